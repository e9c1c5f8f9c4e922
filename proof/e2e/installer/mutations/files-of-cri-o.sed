# CRI-O is asked what its files say
# installer::crio::a_short_name
s/"$cli" status --socket "$socket" config/"$cli" config/
