# other versions of ours stay
# installer::removal::nothing_of_any
s/case $record in \*pause\* |/case $record in/
