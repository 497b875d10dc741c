/* SPDX-License-Identifier: MIT-0 */
/* MSR_PLATFORM_INFO, which this VMM answers itself: something of its own
 * that must survive the merge with what libsevlm needs. */
#ifndef VMM_OWN_MSR_H
#define VMM_OWN_MSR_H

#define OWN_MSR	      0xceu
#define OWN_MSR_VALUE 0x53454c4dull

#endif /* VMM_OWN_MSR_H */
