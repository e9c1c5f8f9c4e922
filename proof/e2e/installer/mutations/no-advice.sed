# a client that hangs is not named
# installer::endings::a_client
s/case $? in 124 | 137) echo/case $? in never) echo/
