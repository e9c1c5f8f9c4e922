# containerd 2.0 is asked only for its dump
# installer::truth::containerd_2_0
s/config migrate || //
