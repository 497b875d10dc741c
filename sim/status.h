/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Firmware status codes (SEV API, "Status Codes"). Installed kernel headers
 * have carried wrong numbers, so these are our own. */
#ifndef SEVLM_SIM_STATUS_H
#define SEVLM_SIM_STATUS_H

enum sim_status {
	SIM_SUCCESS = 0x00,
	SIM_INVALID_PLATFORM_STATE = 0x01,
	SIM_INVALID_GUEST_STATE = 0x02,
	SIM_INVALID_LEN = 0x04,
	SIM_INVALID_CERTIFICATE = 0x06,
	SIM_POLICY_FAILURE = 0x07,
	SIM_INACTIVE = 0x08,
	SIM_INVALID_ADDRESS = 0x09,
	SIM_BAD_SIGNATURE = 0x0a,
	SIM_BAD_MEASUREMENT = 0x0b,
	SIM_ASID_OWNED = 0x0c,
	SIM_INVALID_ASID = 0x0d,
	SIM_DFFLUSH_REQUIRED = 0x0f,
	SIM_INVALID_GUEST = 0x10,
	SIM_INVALID_COMMAND = 0x11,
	SIM_ACTIVE = 0x12,
	SIM_HWSEV_PLATFORM = 0x13,
	SIM_UNSUPPORTED = 0x15,
	SIM_INVALID_PARAM = 0x16,
	SIM_RESOURCE_LIMIT = 0x17,
	SIM_SECURE_DATA_INVALID = 0x18,
	/* no status, which has 16 bits: the memory is not there for firmware
	 * to reach; KVM looks before it asks */
	SIM_FAULT = 0x10000,
};

#endif /* SEVLM_SIM_STATUS_H */
