/* SPDX-License-Identifier: MIT */
/*
 * vmxfs doctor SOURCE: says, before anything is mounted, what works there and what will not. One
 * line each on standard output (report.h); what is written on the server is removed again.
 */
#pragma once

#include "options.h"

/* 0: nothing is FAIL; 1: something is, or somebody ended it. */
int doctor_run(struct options *options);
