# files that are newer than the socket are not noticed
# installer::truth::what_was_edited
s/^has_changed() (/&\n\treturn 1/
