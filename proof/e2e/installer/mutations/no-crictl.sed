# crictl is not asked
# installer::truth::crictl_is_asked
s/if find_client crictl && on crictl info; then/if false; then/
