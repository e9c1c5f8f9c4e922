# a short name counts as pinned in CRI-O
# installer::crio::a_short_name
s/|| pin="not pinned" ;;/|| : ;;/
