import Torch

extension LargeModel {
  /// What a file or folder is, in a line each: for `models inspect`.
  public struct Facts: Equatable, Sendable {
    public let family: String
    /// "drawing", "inpainting" or "drawing in few steps (LCM)".
    public let kind: String
    /// Of the denoiser's weights: "float16", say.
    public let precision: String
    public let prediction: Prediction
    /// Bytes of all weights on the disk.
    public let bytes: Int
    public let parameters: Int
    /// The side of the pictures that it was trained on, in pixels.
    public let side: Int
    /// Bytes that drawing takes about, with everything kept and with one part at a time.
    public let memory: (kept: Int, inTurn: Int)
    public let notes: [String]

    public static func == (a: Facts, b: Facts) -> Bool {
      (a.family, a.kind, a.precision, a.bytes, a.side) == (b.family, b.kind, b.precision, b.bytes, b.side)
        && a.notes == b.notes
    }
  }

  /// - Parameters:
  ///   - precision: that the denoiser would compute in.
  ///   - controls: that steer it.
  public func facts(precision: DType, controls: [ControlModel] = []) -> Facts {
    func count(_ weights: [String: Tensor]) -> Int { weights.values.reduce(0) { $0 + $1.count } }
    let text = texts.map { count($0.part.weights) }
    let steering = controls.reduce(0) { $0 + count($1.part.weights) }
    let (denoiser, coder) = (count(unet.weights), count(vae.weights))
    // Encoders compute in float32; half a gigabyte is the program and what a step needs at 512 px.
    let (program, wide) = (512 << 20, precision.byteCount)
    let kept = program + (denoiser + steering + coder) * wide + text.reduce(0, +) * 4
    let inTurn = program + max((denoiser + steering) * wide, coder * wide, (text.max() ?? 0) * 4)
    let isQuick = unet.configuration.guidance != nil
    return Facts(
      family: family.rawValue,
      kind: isForInpainting ? "inpainting" : isQuick ? "drawing in few steps (LCM)" : "drawing",
      precision: unet.precision.map { "\($0)" } ?? "unknown", prediction: schedule.prediction,
      bytes: unet.bytes + vae.bytes + texts.reduce(0) { $0 + $1.part.bytes },
      parameters: denoiser + coder + text.reduce(0, +), side: trainedSide, memory: (kept, inTurn),
      notes: notes.map(\.sentence))
  }

  /// The side of the pictures that it was trained on, in pixels: 512, 768 or 1024.
  public var trainedSide: Int {
    if let side = unet.configuration.side { return side * vae.configuration.factor }
    return switch family {
    case .sd1: 512
    case .sd2: schedule.prediction == .velocity ? 768 : 512
    case .sdxl: 1024
    }
  }
}
