# crictl is not asked
# installer::truth::crictl_is_asked
s/if find_client crictl && ask_cri "$socket"; then/if false; then/
