//! The words in the tables of the Chinese pages, from docs/glossary.md.

/// A title or a cell, and its translation. Titles need one; other cells without one stay as they are.
pub const WORDS: &[(&str, &str)] = &[
    // benchmarks-summary
    ("ours", "本项目"),
    ("upstream's", "上游"),
    ("assembly that makes the same calls", "只做同样系统调用的汇编程序"),
    ("file, bytes", "文件大小，字节"),
    ("memory of an instance from `execve` on, KiB", "单个实例从 `execve` 起占用的内存，KiB"),
    ("including the kernel's task and stack, KiB", "同上，计入内核的任务结构和栈，KiB"),
    ("start, from `execve` to `pause`, µs", "启动耗时，从 `execve` 到 `pause`，µs"),
    ("instructions until then", "启动期间执行的指令数"),
    ("CPU of PID 1 for 100,000 orphans, µs", "100,000 个孤儿进程退出时，1 号进程的 CPU 时间，µs"),
    // platforms
    ("platform", "平台"),
    ("bytes", "字节"),
];
