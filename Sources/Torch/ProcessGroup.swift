import CTorch
import Foundation

/// Why processes can't train together, or no longer.
public enum ProcessGroupError: Explained, Equatable {
  /// A variable of the launcher's isn't what it should be.
  case variable(String, value: String)
  case noMeeting(host: String, port: Int, why: String)
  /// One of them ended, or didn't answer in time.
  case lost(why: String)

  public var sentence: String {
    switch self {
    case .variable(let name, let value):
      "The variable \(name) is '\(value)', which is no such number: start the processes by torchrun, or leave its variables unset."
    case .noMeeting(let host, let port, let why):
      "The processes can't meet at \(host), port \(port) (\(why)): check MASTER_ADDR and MASTER_PORT, and that all of them were started."
    case .lost(let why):
      "Another process of this training is gone or doesn't answer (\(why)): start all of them again with --resume; the last checkpoint is whole."
    }
  }
  public var exit: Exit { .unavailable }
}

/// Several processes that train one model: they have one batch together, and sum their gradients (c10d's collectives).
///
/// Its functions are called by all of its processes, in the same order, each on one thread. Once one of them has failed, all
/// later ones do nothing: whoever calls asks for `failure`.
public final class ProcessGroup: @unchecked Sendable {
  /// The group that this process trains in. Networks whose statistics are of a whole batch ask for it.
  nonisolated(unsafe) public static var current: ProcessGroup?

  /// From 0.
  public let rank: Int
  public let count: Int
  public var isFirst: Bool { rank == 0 }
  /// Why it no longer works.
  public private(set) var failure: ProcessGroupError?
  private let handle: ct_group
  private let store: Meeting

  /// Where processes meet before they are a group: a store at the first one.
  public final class Meeting: @unchecked Sendable {
    public let host: String, port: Int
    fileprivate let handle: ct_store

    /// - Parameters:
    ///   - port: 0 for a free one, where it serves.
    ///   - serves: whether this is the process that the others come to.
    ///   - seconds: to wait for it.
    /// - Throws: `ProcessGroupError.noMeeting`.
    public init(host: String, port: Int, serves: Bool, seconds: Double = 300) throws(ProcessGroupError) {
      var (out, found): (ct_store?, Int32) = (nil, 0)
      guard ct_store_open(host, Int32(port), serves, seconds, &out, &found) == 0 else {
        throw .noMeeting(host: host, port: port, why: reason())
      }
      (self.host, self.port, handle) = (host, Int(found), out!)
    }
    deinit { ct_store_close(handle) }
  }

  /// Waits for all others.
  ///
  /// - Parameters:
  ///   - name: of this start, where the same meeting sees several.
  ///   - seconds: after which a process that doesn't answer counts as lost.
  /// - Throws: `ProcessGroupError.noMeeting`.
  public init(at meeting: Meeting, name: String = "0", rank: Int, count: Int, seconds: Double = 1800)
    throws(ProcessGroupError)
  {
    var out: ct_group?
    guard ct_group_join(meeting.handle, name, Int32(rank), Int32(count), seconds, &out) == 0 else {
      throw .noMeeting(host: meeting.host, port: meeting.port, why: reason())
    }
    (handle, store, self.rank, self.count) = (out!, meeting, rank, count)
  }
  deinit { ct_group_leave(handle) }

  /// The group that torchrun, Slurm or Kubernetes' PyTorchJob started this process for, by the variables RANK, WORLD_SIZE,
  /// MASTER_ADDR and MASTER_PORT; nil where there is none, or it has one process.
  ///
  /// - Throws: `ProcessGroupError`.
  public static func launched(
    _ variables: [String: String] = ProcessInfo.processInfo.environment, seconds: Double = 1800
  ) throws(ProcessGroupError) -> ProcessGroup? {
    guard variables["RANK"] != nil, variables["WORLD_SIZE"] != nil, let host = variables["MASTER_ADDR"] else {
      return nil
    }
    func number(_ name: String, in range: ClosedRange<Int>) throws(ProcessGroupError) -> Int {
      let value = variables[name] ?? ""
      guard let number = Int(value), range.contains(number) else { throw .variable(name, value: value) }
      return number
    }
    let count = try number("WORLD_SIZE", in: 1...65_536)
    let rank = try number("RANK", in: 0...count - 1)
    let port = try number("MASTER_PORT", in: 1...65_535)
    guard count > 1 else { return nil }
    // torchrun's own agent serves the store already.
    let isServed = variables["TORCHELASTIC_USE_AGENT_STORE"]?.lowercased() == "true"
    let meeting = try Meeting(host: host, port: port, serves: rank == 0 && !isServed)
    let start = variables["TORCHELASTIC_RESTART_COUNT"] ?? "0"
    return try ProcessGroup(at: meeting, name: "atelier \(start)", rank: rank, count: count, seconds: seconds)
  }

  private func attempt(_ call: () -> Int32) {
    guard failure == nil else { return }
    if call() != 0 { failure = .lost(why: reason()) }
  }

  /// Sums over all processes.
  public func summed(_ tensor: Tensor) -> Tensor {
    var out: ct_tensor?
    withExtendedLifetime(tensor) { attempt { ct_group_summed(handle, tensor.handle, &out) } }
    return out.map { Tensor(owning: $0) } ?? tensor
  }

  /// All processes' rows [count · N, …], the first one's first.
  public func gathered(_ tensor: Tensor) -> Tensor {
    var out: ct_tensor?
    withExtendedLifetime(tensor) { attempt { ct_group_gathered(handle, tensor.handle, &out) } }
    return out.map { Tensor(owning: $0) } ?? Tensor.concatenated((0..<count).map { _ in tensor })
  }

  /// Sums numbers.
  public func summed(_ numbers: [Double]) -> [Double] {
    let tensor = Tensor(numbers)
    attempt { ct_group_sum(handle, tensor.handle) }
    return tensor.doubles
  }

  /// Gives all processes the first one's numbers.
  public func spread(_ tensor: Tensor) {
    withoutGradients {
      // Gloo reads memory in order, whatever the strides say.
      let plain = tensor.detached().to(.cpu).contiguous()
      attempt { ct_group_broadcast(handle, plain.handle, 0) }
      if !isFirst { tensor.copy(from: plain) }
    }
  }

  /// The first one's bytes.
  public func spread(_ bytes: [UInt8]) -> [UInt8] {
    let count = Tensor([Double(bytes.count)])
    attempt { ct_group_broadcast(handle, count.handle, 0) }
    guard failure == nil, count.doubles[0] > 0 else { return [] }
    let body = isFirst ? Tensor(bytes, shape: [bytes.count]) : Tensor.zeros([Int(count.doubles[0])], dtype: .uint8)
    attempt { ct_group_broadcast(handle, body.handle, 0) }
    return body.bytes
  }

  /// Waits for all others.
  public func wait() { _ = summed([0]) }

  /// Means of gradients over all processes, in flat buckets of some 25 MB, so that many small ones cost what one does.
  public func averaged(_ gradients: [Tensor?]) -> [Tensor?] {
    withoutGradients {
      var averaged = gradients
      var bucket: [Int] = [], size = 0
      func flush() {
        guard !bucket.isEmpty else { return }
        let tensors = bucket.map { gradients[$0]! }
        let flat = Tensor.concatenated(tensors.map { $0.to(.float32).to(.cpu).contiguous().flattened() })
        attempt { ct_group_sum(handle, flat.handle) }
        let mean = flat / Double(count)
        var at = 0
        for (i, tensor) in zip(bucket, tensors) {
          averaged[i] = mean.narrowed(dim: 0, from: at, count: tensor.count).reshaped(tensor.shape).to(tensor.dtype)
            .to(tensor.device)
          at += tensor.count
        }
        (bucket, size) = ([], 0)
      }
      for (i, gradient) in gradients.enumerated() {
        guard let gradient else { continue }
        bucket.append(i)
        size += gradient.count
        if size > 6 << 20 { flush() }
      }
      flush()
      return averaged
    }
  }
}

/// A process's part of the batches of a group.
public struct BatchShare: Sendable, Equatable {
  public let rank: Int, count: Int
  /// Pictures of this process in a batch.
  public let batch: Int

  public init(rank: Int, count: Int, batch: Int) { (self.rank, self.count, self.batch) = (rank, count, batch) }
  /// - Parameter whole: the group's batch, a multiple of its processes.
  public init(of group: ProcessGroup, whole: Int) {
    precondition(whole % group.count == 0, "\(whole) pictures can't be shared by \(group.count) processes")
    (rank, count, batch) = (group.rank, group.count, whole / group.count)
  }

  /// Which rows of the whole batch it has.
  public var rows: Range<Int> { rank * batch..<(rank + 1) * batch }
}

private func reason() -> String {
  let words = String(cString: ct_error()).split(separator: "\n").first.map(String.init) ?? ""
  return words.count > 200 ? words.prefix(200) + "…" : words
}
