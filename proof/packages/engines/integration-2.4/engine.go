// Package engine imports what integration.test needs. It is a test of containerd, and `go mod tidy` ignores the tests of
// other modules.
package engine

import (
	_ "github.com/containerd/containerd/v2/cmd/containerd/builtins"
	_ "github.com/containerd/containerd/v2/cmd/containerd/server/config"
	_ "github.com/containerd/containerd/v2/integration/client"
	_ "github.com/containerd/containerd/v2/integration/images"
	_ "github.com/containerd/containerd/v2/integration/remote"
	_ "github.com/containerd/log/logtest"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/stretchr/testify/assert"
	_ "github.com/stretchr/testify/require"
	_ "github.com/vishvananda/netns"
	_ "golang.org/x/mod/semver"
	_ "google.golang.org/protobuf/testing/protocmp"
	_ "k8s.io/client-go/rest"
	_ "k8s.io/client-go/tools/remotecommand"
	_ "k8s.io/cri-client/pkg/util"
)
