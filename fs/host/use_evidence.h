/* SPDX-License-Identifier: MIT */
/* What commits and removals ask the host. */
#pragma once

struct host;

/* Lets commits ask the host, until remote_set_evidence(NULL). */
void evidence_give(struct host *host);
