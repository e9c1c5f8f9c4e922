# missing tools are not named
# installer::endings::a_missing_tool
s/|| die "$tool is not installed"/|| :/
