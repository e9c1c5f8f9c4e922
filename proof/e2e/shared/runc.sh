#!/bin/sh
# runc for a machine without CAP_SYS_RESOURCE, which refuses the OOM score that dockershim and CRI-O give a
# sandbox.
last=
for argument; do
    [ "$last" != --bundle ] || (echo -1000 >/proc/self/oom_score_adj) 2>/dev/null ||
        sed -i 's/"oomScoreAdj": *-[0-9]*/"oomScoreAdj":0/' "$argument/config.json"
    last=$argument
done
exec runc "$@"
