//! The words in the tables of the Chinese pages.

/// A title or a cell, and its translation. Titles need one; other cells without one stay as they are.
pub const WORDS: &[(&str, &str)] = &[
    // benchmarks-summary
    ("ours", "本项目"),
    ("upstream's", "上游"),
    ("assembly that makes the same calls", "发出同样系统调用的汇编程序"),
    ("file, bytes", "文件，字节"),
    ("memory of an instance from `execve` on, KiB", "单个实例从 `execve` 起占用的内存，KiB"),
    ("including the kernel's task and stack, KiB", "再加上内核中的任务结构和栈，KiB"),
    ("start, from `execve` to `pause`, µs", "启动，从 `execve` 到 `pause`，µs"),
    ("instructions until then", "其间执行的指令数"),
    ("CPU of PID 1 for 100,000 orphans, µs", "1 号进程处理 100,000 个孤儿进程所用的 CPU 时间，µs"),
    // benchmarks-sandbox
    ("KiB, median", "KiB，中位数"),
    ("in use", "实际占用"),
    ("shown", "显示值"),
    ("pause", "pause"),
    ("upstream", "上游"),
    ("only pauses", "只休眠的程序"),
    // platforms
    ("platform", "平台"),
    ("bytes", "字节"),
    // compatibility
    ("engine", "引擎"),
    ("version", "版本"),
    ("from", "来源"),
    ("Debian's package", "Debian 软件包"),
    ("Go module", "Go 模块"),
    ("Linux", "Linux"),
    ("cgroups", "cgroup"),
    ("machine", "机器"),
];
