# Docker's short names are not understood
# installer::removal::what_was_there
s/! normalise "$record" || printf '%s\\n' "$normal"/printf '%s\\n' "$record"/
