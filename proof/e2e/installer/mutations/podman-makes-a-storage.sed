# --check creates Podman's storage
# installer::podman::a_check_leaves
s/|| state="has no image yet"/|| :/
