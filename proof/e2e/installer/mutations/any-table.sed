# a key of any table counts
# installer::truth::the_key
s/\\n${blank}\\\[$1\\]\.\*//
