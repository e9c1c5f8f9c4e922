# containerd 2.0 is asked for its dump alone
# installer::truth::containerd_2_0
s/config migrate || //
