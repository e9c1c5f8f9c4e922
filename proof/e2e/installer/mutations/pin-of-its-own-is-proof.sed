# a pin that already exists counts as proof
# installer::truth::what_was_edited
s/^\t\t\[ "$check" \] || for record in $records; do/\t\tfor record in; do/
