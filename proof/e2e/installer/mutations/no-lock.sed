# two installers run at once
# installer::endings::two_at_once
s/timeout 300 flock 9/true/
