//! The sentences of README.md and README.zh-CN.md that contain figures.

use anyhow::{Context, Result};

use crate::cost::Cost;
use crate::samples::{OURS, Results, UPSTREAM};
use crate::tables::largest;

/// What pause is, and what it costs, in English and in Chinese.
pub fn headline(results: &Results) -> Result<[String; 2]> {
    let n = largest(results, |of| &of.instances);
    let costs = |name: &str| {
        let samples = results.of(name).with_context(|| format!("no samples of {name}"))?;
        let pull = samples.pull_bytes.median().context("no size")? / 1000.0;
        let memory = samples.instances.get(&n).and_then(|instance| instance.all_bytes.median()).context("no memory")?;
        anyhow::Ok((if pull < 10.0 { format!("{pull:.1}") } else { format!("{pull:.0}") }, memory / 1024.0))
    };
    let ((pull, memory), (upstreams_pull, upstreams_memory)) = (costs(OURS)?, costs(UPSTREAM)?);
    let english = format!(
        "A drop-in replacement for the Kubernetes `pause` image, written in Rust without a libc: {pull} kB to pull\n\
         and {memory:.0} KiB of memory per pod. Kubernetes' own, built from Debian's copy of its source, takes\n\
         {upstreams_pull} kB and {upstreams_memory:.0} KiB."
    );
    let chinese = format!(
        "pause 是 Kubernetes `pause` 镜像的直接替代品，用 Rust 编写，不依赖 libc：只需拉取 {pull} kB，每个 Pod\n\
         占用 {memory:.0} KiB 内存。Kubernetes 官方的 pause（用 Debian 收录的源代码构建）是 {upstreams_pull} kB 和\n\
         {upstreams_memory:.0} KiB。"
    );
    Ok([english, chinese])
}

/// What a sandbox takes in an engine, in English and in Chinese.
pub fn sandbox(costs: &[Cost]) -> Result<[String; 2]> {
    let cost = costs.first().context("no cost of a sandbox")?;
    let [ours, upstreams] = [0, 1].map(|program| cost.in_use(program) / 1024);
    let english =
        format!("In containerd, a sandbox takes {ours} KiB instead of {upstreams} ([benchmarks](docs/benchmarks.md)).");
    let chinese = format!(
        "在 containerd 中，一个沙箱占用 {ours} KiB，用官方的 pause 则是 {upstreams} KiB（[基准测试](docs/benchmarks.md)）。"
    );
    Ok([english, chinese])
}
