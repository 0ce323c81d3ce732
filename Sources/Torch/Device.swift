import CTorch

/// What was wrong with a device's name.
public enum DeviceError: Explained, Equatable {
  /// No such kind of device.
  case unknown(String)
  /// This machine or this copy of LibTorch doesn't have it, for a reason that is a part of a sentence.
  case absent(String, reason: String)

  public var sentence: String {
    switch self {
    case .unknown(let name):
      "There is no device called '\(name)': use auto, cpu, cuda, cuda:1 or mps."
    case .absent(let name, let reason):
      "The device '\(name)' isn't available: \(reason). Use --device cpu, or set TORCH_HOME to a LibTorch built for it."
    }
  }
  public var exit: Exit {
    switch self {
    case .unknown: .usage
    case .absent: .unavailable
    }
  }
}

/// Where a tensor lives and is computed.
public struct Device: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Int32, Sendable {
    case cpu = 0
    case cuda = 1
    case mps = 13
  }
  public let kind: Kind
  /// The number among devices of its kind; 0 on the CPU.
  public let index: Int

  public static let cpu = Device(kind: .cpu, index: 0)
  public static let mps = Device(kind: .mps, index: 0)
  public static func cuda(_ index: Int = 0) -> Device { Device(kind: .cuda, index: index) }

  init(kind: Kind, index: Int) { (self.kind, self.index) = (kind, index) }

  /// The device of that name: "auto", "cpu", "cuda", "cuda:1" or "mps". "auto" takes CUDA, then MPS, then the CPU.
  ///
  /// - Throws: `DeviceError` when the name is unknown or the device isn't there.
  public init(named name: String) throws(DeviceError) {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    switch parts.first {
    case "auto" where parts.count == 1:
      self = Device.cudaCount > 0 ? .cuda() : ct_has_mps() ? .mps : .cpu
    case "cpu" where parts.count == 1:
      self = .cpu
    case "mps" where parts.count == 1:
      guard ct_has_mps() else { throw .absent(name, reason: "this LibTorch is built without MPS") }
      self = .mps
    case "cuda" where parts.count <= 2:
      guard let index = parts.count == 1 ? 0 : Int(parts[1]), index >= 0 else { throw .unknown(name) }
      guard index < Device.cudaCount else { throw .absent(name, reason: Device.whyNoCUDA(index)) }
      self = .cuda(index)
    default:
      throw .unknown(name)
    }
  }

  /// How many CUDA devices LibTorch sees; 0 with a CPU build.
  public static var cudaCount: Int { Int(ct_cuda_count()) }

  /// What a CUDA device lacks, as a part of a sentence.
  ///
  /// - Parameter index: a number that isn't below `cudaCount`.
  public static func whyNoCUDA(_ index: Int = 0) -> String {
    let error = String(cString: ct_cuda_library_error())
    // As Linux and macOS say that it isn't there.
    if error.hasPrefix("libtorch_cuda.so:") || error.hasPrefix("dlopen(libtorch_cuda.so") {
      return "this LibTorch is built for processors only"
    }
    if !error.isEmpty { return "LibTorch's CUDA library can't be opened (\(error))" }
    return cudaCount == 0
      ? "LibTorch's CUDA library finds no GPU, or no driver for it" : "there are \(cudaCount) GPUs, counted from 0"
  }

  /// What work is done on when no device is named, in a sentence, and why it isn't a GPU.
  public static var described: String {
    guard let device = try? Device(named: "auto") else { return "" }
    let precision = device.prefersBFloat16 ? "bfloat16" : "float32"
    guard device.isCPU else { return "Work is done on \(device), in \(precision)." }
    let counted = Threads.count == 1 ? "one thread" : "\(Threads.count) threads"
    return "Work is done on the processor (\(counted), \(precision)), since \(whyNoCUDA())."
  }

  public var isCPU: Bool { kind == .cpu }

  /// Whether bfloat16 is faster than float32 here: on CPUs with AMX, AMD's with AVX512-BF16, and CUDA.
  public var prefersBFloat16: Bool {
    switch kind {
    case .cpu: ct_cpu_prefers_bf16()
    case .cuda: true
    case .mps: false
    }
  }

  public var description: String {
    switch kind {
    case .cpu: "cpu"
    case .mps: "mps"
    case .cuda: "cuda:\(index)"
    }
  }

  var c: ct_device { ct_device(type: kind.rawValue, index: isCPU ? -1 : Int32(index)) }
  init(_ c: ct_device) {
    guard let kind = Kind(rawValue: c.type) else { fatalError("LibTorch uses a device of unknown type \(c.type)") }
    self.init(kind: kind, index: max(0, Int(c.index)))
  }
}

/// How many threads an operator uses on the CPU.
public enum Threads {
  public static var count: Int {
    get { Int(ct_threads()) }
    set { ct_set_threads(Int32(newValue)) }
  }
}

/// How the process uses memory.
public enum Memory {
  /// Keeps freed memory for the next operators instead of giving it back to the system.
  ///
  /// A training step frees and takes the same blocks again; with the C library's defaults half of the time went into
  /// giving back and clearing pages.
  public static func keepFreed() { ct_keep_memory() }

  /// Takes blocks of 16 MB and more from the system one by one, and keeps 128 MB of freed ones: large models hold half a gigabyte
  /// less, since no holes are left between blocks of different sizes. On Linux.
  public static func mapLargeBlocks() { ct_map_large_blocks() }

  /// Gives back what is free at this moment, between parts of a work that need memory of other shapes.
  public static func giveBackFreed() { ct_give_back_memory() }

  /// Called where an operator asks for more memory than there is, with LibTorch's reason: it may end the process with words for
  /// people. Set it once, at the start.
  nonisolated(unsafe) public static var whenExhausted: (String) -> Void = { _ in }

  static func lookForExhaustion(_ reason: String) {
    let signs = ["can't allocate memory", "out of memory", "Storage size calculation overflowed"]
    if signs.contains(where: reason.contains) { whenExhausted(reason) }
  }
}

/// The library underneath.
public enum LibTorch {
  /// The version that this binary was compiled against, for example "2.13.0".
  public static let version = String(cString: ct_version())
  /// The version that the dynamic linker loaded. Another one than `version` crashes or hangs later: check at start.
  public static let loadedVersion = String(cString: ct_loaded_version())
}
