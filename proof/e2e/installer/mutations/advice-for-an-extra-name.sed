# an extra name has to be configured
# installer::truth::several_names
s/has_ours "$configured" || problem/problem/
