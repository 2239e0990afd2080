/* SPDX-License-Identifier: MIT */
/* .vmxfs in the root: what it shows of the mount, the server's tree once more, and of the host. */
#include "vfs/history/history_view.h"
#include "vfs/host/host_view.h"

static const struct control controls[] = {
    {.name = "status", .local = true, .show = status_show},
    {.name = "errors", .local = true, .grows = true, .show = errors_show},
    {.name = "log", .local = true, .of_history = true, .show = root_log_show},
    {.name = "transfers", .local = true, .show = transfers_show},
    {.name = "check", .show = root_check_show},
    {.name = "vms", .show = root_vms_show},
    {.name = "gpus", .of_host = true, .show = root_gpus_show},
    {.name = "unregister", .by_line = true, .store = unregister_store},
    {.name = "datastores", .of_host = true, .show = root_datastores_show},
    {0},
};

static const struct control profile_text = {
    .name = "profile", .local = true, .show = profile_text_show};
static const struct folder profiles_folder = {.name = "profiles", .each_profile = &profile_text};

static const struct folder plain_folder = {.name = PLAIN_NAME, .ops = &plain_dir_ops};

const struct folder root_folder = {
    .name = CONTROL_NAME,
    .controls = controls,
    .folders = (const struct folder *const[]){&profiles_folder, &host_folder, &plain_folder, NULL},
};
