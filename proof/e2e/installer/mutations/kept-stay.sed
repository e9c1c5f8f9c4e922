# what was kept stays
# installer::removal::nothing_of_any
s/^\tfor kept in .*//
