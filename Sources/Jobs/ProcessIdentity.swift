import Foundation

/// A process that can't be taken for a later one with the same number: its number, when it began, and the machine's boot.
public struct ProcessIdentity: Codable, Sendable, Equatable {
  public let pid: Int32
  /// In the system's own units since the boot.
  let began: UInt64
  let boot: String

  /// nil where no such process lives.
  public init?(pid: Int32) {
    guard let facts = ProcessFacts(pid: pid), !facts.isZombie else { return nil }
    (self.pid, began, boot) = (pid, facts.began, ProcessFacts.boot)
  }

  public static var own: ProcessIdentity { ProcessIdentity(pid: getpid())! }

  public var isAlive: Bool { facts != nil }

  /// Whether a signal holds it (SIGSTOP).
  public var isHeld: Bool { facts?.isHeld ?? false }

  /// Sends a signal, unless the process has ended and the number is another's.
  ///
  /// - Returns: whether it was sent.
  @discardableResult
  public func send(_ signal: Int32) -> Bool { isAlive && kill(pid, signal) == 0 }

  private var facts: ProcessFacts? {
    guard boot == ProcessFacts.boot, let facts = ProcessFacts(pid: pid), facts.began == began, !facts.isZombie
    else { return nil }
    return facts
  }
}

/// What the system says about a process.
private struct ProcessFacts {
  var began: UInt64
  var isZombie: Bool
  var isHeld: Bool

  #if os(Linux)
    /// proc(5): after the name in brackets come the state, and as the twentieth of what follows the start in ticks.
    init?(pid: Int32) {
      guard pid > 0, let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let end = text.lastIndex(of: ")")
      else { return nil }
      let fields = text[text.index(after: end)...].split(separator: " ")
      guard fields.count > 19, let began = UInt64(fields[19]) else { return nil }
      (self.began, isZombie, isHeld) = (began, ["Z", "X"].contains(fields[0]), ["T", "t"].contains(fields[0]))
    }

    static let boot =
      (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
  #else
    init?(pid: Int32) {
      var facts = kinfo_proc()
      var size = MemoryLayout<kinfo_proc>.stride
      var name: [Int32] = [CTL_KERN, KERN_PROC, KERN_PROC_PID, pid]
      guard pid > 0, sysctl(&name, 4, &facts, &size, nil, 0) == 0, size > 0 else { return nil }
      let start = facts.kp_proc.p_starttime
      began = UInt64(start.tv_sec) * 1_000_000 + UInt64(start.tv_usec)
      isZombie = Int32(facts.kp_proc.p_stat) == SZOMB
      isHeld = Int32(facts.kp_proc.p_stat) == SSTOP
    }

    static let boot: String = {
      var time = timeval()
      var size = MemoryLayout<timeval>.stride
      sysctlbyname("kern.boottime", &time, &size, nil, 0)
      return "\(time.tv_sec)"
    }()
  #endif
}
