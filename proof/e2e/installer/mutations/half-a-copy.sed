# half a copy stays
# installer::endings::a_full_disk
s/|| { rm -f "$copy" && fail/|| { fail/
