# a process with another configuration is not noticed
# installer::truth::a_configuration_elsewhere
s/&& has_other_configuration$/\&\& false/
