# two names can be kept as one
# installer::taken_names::each_name
s/-$(digest_of "$1")$//
