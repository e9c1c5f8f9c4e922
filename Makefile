# Needs rustup (https://rustup.rs), make and a C linker. As root on Debian, targets install missing packages.
CARGO ?= cargo
TARGETS := $(shell sed -n 's/^ *"\(.*-linux-.*\)",$$/\1/p' rust-toolchain.toml)

IMAGE ?= localhost/pause
TAG ?= $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

.PHONY: build dist image run test faults instructions nightly instructions-long kernels-long \
	bench-long mutations e2e engines suites cluster node compatibility kernels bench bench-v2 docs push \
	release-rehearsal lint clean help setup test-setup bench-setup e2e-setup

build: setup ## Build pause for this machine
	$(CARGO) xtask build

dist: setup ## Build pause for every platform, and SHA256SUMS, into dist/
	$(CARGO) xtask dist

image: setup ## Build the image and its installer, as IMAGE:TAG; PLATFORMS=linux/amd64,linux/arm64: only for these
	$(CARGO) xtask image '$(IMAGE)' '$(TAG)' '$(PLATFORMS)'

run: setup ## Run a real pod: a server and a client, held by pause
	$(CARGO) run --quiet --package pod -- 'server=sh pod/story.sh server' 'client=sh pod/story.sh client'

test: test-setup ## Test everything that needs no container engine
	$(CARGO) test --quiet && tests/reproducible.sh

faults: test-setup ## Print a table of what pause, upstream's pause and catatonit survive; part of test
	$(CARGO) test --quiet --package faults

instructions: test-setup ## Test what pause does at each of its instructions, whatever happens there; part of test
	$(CARGO) test --quiet --package instructions

nightly: instructions-long kernels-long bench-long engines mutations suites cluster node ## Run all slow tests

instructions-long: test-setup ## Run instructions with two events, and on builds that are broken on purpose
	$(CARGO) test --quiet --package instructions -- --pairs
	proof/instructions/mutations.sh

kernels-long: ## Run kernels with all instructions, and on those of every Debian
	$(MAKE) kernels KERNELS=--instructions
	$(MAKE) kernels KERNELS=--all

bench-long: ## Run bench and bench-v2 without storing anything
	$(MAKE) bench BENCH=
	$(MAKE) bench-v2 BENCH=

mutations: e2e-setup ## Break the installer in one way after another, each of which a test must find
	proof/packages/newer-debian.sh && proof/packages/engines.sh $(EVERY_CHANGE)
	proof/e2e/installer/mutations.sh

EVERY_CHANGE = containerd-2.4 cri-o-1.36 runc-1.5 cni-plugins-1.9 cri-tools-1.37 kubelet-1.37 cri-dockerd-0.4

e2e: e2e-setup ## Test pause in real engines, which this installs or builds
	proof/packages/newer-debian.sh && proof/packages/engines.sh $(EVERY_CHANGE)
	rm -f target/compatibility.json target/cost.json
	proof/e2e/run.sh

ENGINES ?=
engines: e2e-setup ## Test more Kubernetes runtimes and kubelets; ENGINES='NAME...': only these
	EVERY_CHANGE='$(EVERY_CHANGE)' proof/e2e/engines.sh $(ENGINES)

SUITES ?=
suites: image e2e-setup ## Run others' tests with our image and upstream's; SUITES='WORD...': some; --save: write the table
	proof/packages/apt.sh suites || : # tests that need a missing program are skipped
	proof/packages/engines.sh $(EVERY_CHANGE) containerd-2.0 containerd-1.7 e2e-node-1.37 integration-2.4
	SUITES='$(SUITES)' proof/suites/run.sh

CLUSTER = containerd-2.4 runc-1.5 cni-plugins-1.9 cri-tools-1.37 etcd-3.7 control-plane-1.37 previous-control-plane-1.37

cluster: e2e-setup ## Create two nodes with kubeadm, without a registry; upgrade, drain and reset them
	proof/packages/engines.sh $(CLUSTER)
	proof/e2e/run.sh --include-ignored cluster::

node: dist image e2e-setup ## Test engines on a modern node in QEMU, which this creates; NODE='NAME...': only these
	proof/packages/engines.sh $(EVERY_CHANGE) etcd-3.7 control-plane-1.37
	proof/machines/node.sh $(NODE)

compatibility: setup ## Store what e2e, engines, cluster and node ran, if all of it passed, and write its tables
	$(CARGO) figures --compatibility

KERNELS ?=
kernels: dist ## Test pause on real kernels in QEMU; KERNELS=--all: of every Debian; KERNELS=--save: write the tables
	proof/machines/kernels.sh $(KERNELS)

BENCH ?= --save
bench: bench-setup ## Measure pause and its peers, as root on Debian; BENCH=--quick: a minute, nothing stored
	$(CARGO) bench --quiet --package bench -- $(BENCH)

bench-v2: dist bench-setup ## Measure their memory under cgroups v2, in QEMU, on a machine with v1; takes ten minutes
	$(CARGO) bench --quiet --no-run --package bench
	proof/machines/bench-v2.sh $(BENCH)

docs: setup ## Write all tables of the documents from what was measured, and print what to measure again
	$(CARGO) figures

push: setup ## Push the image of all platforms to the registry that IMAGE names
	@case '$(IMAGE)' in localhost/*) echo 'name a registry: make push IMAGE=registry.example/pause' >&2; exit 1;; esac
	@command -v skopeo >/dev/null || { echo 'skopeo is not installed: apt-get install skopeo' >&2; exit 1; }
	$(CARGO) xtask archive target/pushed.tar
	skopeo copy --all $(SKOPEO_FLAGS) oci-archive:target/pushed.tar 'docker://$(IMAGE):$(TAG)'

release-rehearsal: setup ## Build, compare with digests.txt, push to a registry on this machine, pull, compare
	proof/packages/apt.sh release-rehearsal && xtask/publish.sh rehearse

lint: setup ## Check formatting, the code with clippy, the scripts with shellcheck, the documents and the layout
	proof/packages/apt.sh lint
	$(CARGO) fmt --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	$(CARGO) xtask tidy
	$(CARGO) figures --check

clean: ## Remove target/ and dist/
	$(CARGO) clean
	rm -rf dist

help: ## Print this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 19

setup: # quick, and without the network, if nothing is missing
	@mkdir -p target; echo 'int main(void) {}' | cc -x c -o target/linked - 2>/dev/null || \
		{ echo 'no C linker for the tools: apt-get install gcc libc6-dev' >&2; exit 1; }
	@command -v rustup >/dev/null || { echo 'rustup is not installed: see https://rustup.rs' >&2; exit 1; }
	@rustup toolchain install 2>&1 | grep -v '^info: ' >&2; rustup --quiet target add $(TARGETS)
	@library="$$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.toml"; \
	RUSTC_BOOTSTRAP=1 $(CARGO) fetch --quiet --locked --manifest-path "$$library" # because `core` is built for loong64

test-setup: setup
	proof/packages/apt.sh test || : # tests that need a missing program are skipped
	proof/packages/spdx.sh && proof/packages/upstream.sh

bench-setup: setup
	proof/packages/apt.sh bench || : # missing peers are left out
	proof/packages/upstream.sh

e2e-setup: setup # fetches everything now, because the tests have no network
	proof/packages/apt.sh e2e engines || : # tests that need a missing program are skipped
	proof/packages/apt.sh lint && $(CARGO) fetch --quiet --locked
	proof/packages/upstream.sh
