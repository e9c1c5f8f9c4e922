# the caller's variables are kept
# installer::trust::variables_of_the_caller
s/^\tunset "$name"$/\t:/
