//! The system calls that `pause` makes, as typed functions: the only unsafe code. Section 2 of the Linux man-pages
//! documents each call.
//!
//! There are three levels: the raw call (`arch::syscall`), the typed call (here) and its use (`main.rs`). The kernel's
//! own nolibc (tools/include/nolibc) provides the first two, plus errno, which pause does not need.
#![allow(unsafe_code)]

/// Defines what needs assembly: the program's entry, a system call, and an instruction that ends the program. Each
/// architecture supplies the lines; the table at the top of its file gives the sources.
macro_rules! abi {
    (
        _start: [$($entry:literal),+ $(,)?],
        syscall($number:ident, $($arg:ident),+) -> $result:ident: [$($call:tt)+],
        trap: $trap:literal,
    ) => {
        /// Receives control from the kernel, and passes the initial stack pointer to [`super::start`].
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        unsafe extern "C" fn _start() -> ! {
            core::arch::naked_asm!($($entry,)+ start = sym super::start)
        }

        /// Makes a system call and returns its result, or an error as a negative errno.
        ///
        /// # Safety
        /// The arguments must be right for the call.
        pub unsafe fn syscall(number: u32, [$($arg),+]: [usize; 5]) -> isize {
            let $number = number as usize;
            let $result;
            // SAFETY: the registers follow the table at the top of the architecture's file, and the caller promises
            // that the arguments are right.
            unsafe { core::arch::asm!($($call)+ options(nostack)) };
            $result
        }

        /// Raises SIGILL.
        pub fn trap() -> ! {
            // SAFETY: the instruction touches neither memory nor registers, and nothing is executed after it.
            unsafe { core::arch::asm!($trap, options(nomem, nostack, noreturn)) }
        }
    };
}

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "arm", path = "arm.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
#[cfg_attr(target_arch = "powerpc64", path = "powerpc64.rs")]
#[cfg_attr(target_arch = "s390x", path = "s390x.rs")]
#[cfg_attr(target_arch = "loongarch64", path = "loongarch64.rs")]
mod arch;

use core::ffi::{CStr, c_char, c_int, c_uint};
use core::mem::{MaybeUninit, transmute};
use linux_raw_sys::general as linux;
use or_ppoll::{PAUSE, POLL};

pub const SIGINT: c_int = linux::SIGINT as c_int;
pub const SIGTERM: c_int = linux::SIGTERM as c_int;
pub const SIGCHLD: c_int = linux::SIGCHLD as c_int;
pub const SA_NOCLDSTOP: c_uint = linux::SA_NOCLDSTOP;
pub const SA_NOCLDWAIT: c_uint = linux::SA_NOCLDWAIT;
pub const SA_NODEFER: c_uint = linux::SA_NODEFER;
pub const EINTR: isize = linux_raw_sys::errno::EINTR as isize;
pub const STDOUT: c_int = linux::STDOUT_FILENO as c_int;
pub const STDERR: c_int = linux::STDERR_FILENO as c_int;

/// The flags without which the kernel does not start a handler. On x86-64 it kills a process whose handler has no
/// restorer (`x64_setup_rt_frame`, arch/x86/kernel/signal_64.c); the flag alone is enough for handlers that do not
/// return.
#[cfg(target_arch = "x86_64")]
const SA_REQUIRED: c_uint = linux::SA_RESTORER;
#[cfg(not(target_arch = "x86_64"))]
const SA_REQUIRED: c_uint = 0;

/// The numbers of `pause` and `poll`, or of `ppoll` where the kernel uses the generic table of system calls
/// (include/uapi/asm-generic/unistd.h), which lacks the other two.
#[allow(non_upper_case_globals, unused_imports)]
mod or_ppoll {
    use linux_raw_sys::general::__NR_ppoll;
    // Names that a block imports take precedence over names defined outside it: these are used only where the
    // architecture does not define its own.
    const __NR_pause: u32 = __NR_ppoll;
    const __NR_poll: u32 = __NR_ppoll;
    pub const PAUSE: u32 = {
        use linux_raw_sys::general::*;
        __NR_pause
    };
    pub const POLL: u32 = {
        use linux_raw_sys::general::*;
        __NR_poll
    };
}

/// A signal handler. Its type guarantees that it does not return, so no restorer has to call `sigreturn`.
pub type Handler = extern "C" fn(c_int) -> !;

/// Installs `handler` for `signal`; returns false if that is refused. SIGCHLD is blocked from the start of the handler
/// on, and stays blocked because no handler returns: the SIGCHLD handler sleeps forever, so if it interrupted the
/// handler that ends the process, the process would not end.
#[must_use]
pub fn handle(signal: c_int, handler: Handler, flags: c_uint) -> bool {
    // SAFETY: the two types differ only in what they return, and `Handler` does not return.
    let handler = unsafe { transmute::<Handler, unsafe extern "C" fn(c_int)>(handler) };
    sigaction(signal, Some(handler), flags | SA_REQUIRED) == 0
}

/// Ignores `signal`. For SIGCHLD, the kernel then also releases every child that dies.
pub fn ignore(signal: c_int) {
    // Only a seccomp filter can refuse this, and then SA_NOCLDWAIT has the same effect on children.
    sigaction(signal, linux_raw_sys::signal_macros::sig_ign(), 0);
}

fn sigaction(signal: c_int, handler: linux::__kernel_sighandler_t, flags: c_uint) -> isize {
    // SAFETY: zero is valid for every field: no handler, no flag, no restorer, an empty mask.
    let mut action: linux::kernel_sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_handler_kernel = handler;
    action.sa_flags = flags.into();
    action.sa_mask.sig[0] = 1 << (SIGCHLD - 1);
    let args = [signal as usize, &raw const action as usize, 0, size_of::<linux::kernel_sigset_t>(), 0];
    // SAFETY: the kernel reads one `kernel_sigaction`, which lives until the call returns.
    unsafe { arch::syscall(linux::__NR_rt_sigaction, args) }
}

/// Empties the signal mask.
pub fn unblock_signals() {
    // SAFETY: zero is the empty set.
    let none: linux::kernel_sigset_t = unsafe { MaybeUninit::zeroed().assume_init() };
    let args = [linux::SIG_SETMASK as usize, &raw const none as usize, 0, size_of_val(&none), 0];
    // SAFETY: the kernel reads one set, which lives until the call returns. The call cannot fail: pointer, size
    // and operation are valid.
    unsafe { arch::syscall(linux::__NR_rt_sigprocmask, args) };
}

/// Reaps one dead child, whatever its exit signal (`__WALL`), without waiting; returns false if there is none.
pub fn reap() -> bool {
    let any = usize::MAX; // pid -1
    let options = (linux::WNOHANG | linux::__WALL) as usize;
    // SAFETY: the two pointers, for the status and the resource usage, are NULL: the kernel writes nothing.
    unsafe { arch::syscall(linux::__NR_wait4, [any, 0, options, 0, 0]) > 0 }
}

/// Sleeps. The handlers that interrupt it do not return, so it returns only if a seccomp filter refuses the call (with
/// a negative errno), or if a tracer or an emulator makes it return -EINTR (qemu-user 7.2 does).
pub fn pause() -> isize {
    // SAFETY: no pointer is passed. (Without descriptors, timeout and mask, `ppoll` acts like `pause`.)
    unsafe { arch::syscall(PAUSE, [0; 5]) }
}

/// Returns whether a write to `fd` would succeed now: there is room, and `poll` reports no error.
pub fn is_writable(fd: c_int) -> bool {
    let mut poll = linux::pollfd { fd, events: linux::POLLOUT as i16, revents: 0 };
    // SAFETY: zero is valid for both fields.
    let mut zero: linux::__kernel_timespec = unsafe { MaybeUninit::zeroed().assume_init() };
    // `poll` takes milliseconds, `ppoll` a pointer.
    let timeout = if POLL == linux::__NR_ppoll { &raw mut zero as usize } else { 0 };
    // SAFETY: the kernel reads and writes one pollfd, and `ppoll` also the timeout; both live until the call returns.
    unsafe { arch::syscall(POLL, [&raw mut poll as usize, 1, timeout, 0, 0]) };
    poll.revents == poll.events
}

/// Writes `text` to `fd`. Errors and short writes are ignored: there is nobody to report them to.
pub fn write(fd: c_int, text: &str) {
    // SAFETY: the kernel reads `text.len()` bytes from `text`.
    unsafe { arch::syscall(linux::__NR_write, [fd as usize, text.as_ptr() as usize, text.len(), 0, 0]) };
}

/// Returns this process's PID in its own PID namespace.
pub fn getpid() -> isize {
    // SAFETY: no pointer is passed.
    unsafe { arch::syscall(linux::__NR_getpid, [0; 5]) }
}

/// Ends the process, even if a seccomp filter refuses `exit_group`, `exit` or both. With one thread, both do the
/// same. If both are refused, an undefined instruction raises SIGILL. The kernel forces that signal on the process and
/// so removes the protection of PID 1 (`force_sig_info_to_task`, kernel/signal.c): it ends even PID 1 of a namespace.
#[inline(never)] // six callers, one copy
pub fn exit(status: usize) -> ! {
    let args = [status, 0, 0, 0, 0];
    // SAFETY: no pointer is passed.
    unsafe {
        arch::syscall(linux::__NR_exit_group, args);
        arch::syscall(linux::__NR_exit, args)
    };
    arch::trap()
}

/// The command line's arguments, the program's name first.
pub struct Args(*const *const c_char);

impl Iterator for Args {
    type Item = Arg;

    fn next(&mut self) -> Option<Arg> {
        // SAFETY: `self.0` points into argv, at most at the NULL that ends it: it is never moved past that.
        let arg = unsafe { self.0.read() };
        if arg.is_null() {
            return None;
        }
        // SAFETY: this entry is not the NULL that ends argv, so another entry follows.
        self.0 = unsafe { self.0.add(1) };
        Some(Arg(arg))
    }
}

/// One argument: a string of bytes that ends in NUL.
pub struct Arg(*const c_char);

impl Arg {
    /// Returns whether the argument is `text`, byte for byte.
    pub fn is(&self, text: &CStr) -> bool {
        let mut at = self.0;
        text.to_bytes_with_nul().iter().all(|&byte| {
            // SAFETY: every byte before this one equalled a byte that is not NUL, so the string continues.
            let equal = unsafe { at.cast::<u8>().read() } == byte;
            at = at.wrapping_add(1);
            equal
        })
    }
}

/// Runs [`crate::main`] on the initial stack, to which `_start` passes a pointer.
///
/// # Safety
/// `stack` must point at argc, which argv follows (`create_elf_tables` in the kernel's fs/binfmt_elf.c).
unsafe extern "C" fn start(stack: *const *const c_char) -> ! {
    // SAFETY: argv, or the NULL that ends an empty one, follows argc.
    crate::main(Args(unsafe { stack.add(1) }))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    unsafe extern "C" {
        /// Defined nowhere: if any code could panic, linking would fail.
        fn pause_must_not_panic() -> !;
    }
    // SAFETY: never linked, so never called.
    unsafe { pause_must_not_panic() }
}
