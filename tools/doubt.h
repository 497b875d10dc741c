/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What became of the guest, where the channel broke before both knew. */
#ifndef SEVLM_DOUBT_H
#define SEVLM_DOUBT_H

#include "side.h"

/* Both return once it is known, or nobody waits for it any more. */
void doubt_source(struct side *side);
void doubt_target(struct side *side);
/* somebody is at the door; whether the target is to take over */
bool doubt_asked(struct side *side);
/* the guest runs here, and the source has gone: was it back in time, and told
 * so? */
bool doubt_returns(struct side *side);

#endif /* SEVLM_DOUBT_H */
