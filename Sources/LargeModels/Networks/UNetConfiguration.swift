/// What a UNet or a ControlNet is built from, by diffusers' `config.json`.
public struct UNetConfiguration: Equatable, Sendable {
  /// 4 of latents; 9 for inpainting (latents, mask, latents of what isn't masked).
  public var inputs = 4
  public var outputs = 4
  /// Channels at each size, the largest picture first.
  public var widths = [320, 640, 1280, 1280]
  /// Layers of each size's transformers; 0 where there is none.
  public var transformers = [1, 1, 1, 0]
  /// In the middle; nil has no attention there.
  public var middleTransformer: Int? = 1
  /// Residual blocks a size on the way down; one more on the way up.
  public var blocks = 2
  /// Heads at each size. diffusers' files call their number `attention_head_dim`.
  public var heads = [8, 8, 8, 8]
  /// The width of the text's features.
  public var context = 768
  public var isLinear = false
  /// Whether attention is computed in float32 in any case.
  public var upcastsAttention = false
  public var groups = 32
  public var epsilon = 1e-5
  /// Whether a time step's cosines come first.
  public var cosineFirst = true
  public var frequencyShift = 0.0
  /// Of SDXL's embedding of sizes: waves a number, and inputs of its map; nil without one.
  public var addition: Addition?
  /// The width of a guidance embedding, as whole LCM models have; nil without one.
  public var guidance: Int?
  /// The side of the latents it was trained on; 64 is a picture of 512 px. nil where the file doesn't say.
  public var side: Int?

  public struct Addition: Equatable, Sendable {
    public var waves = 256
    public var inputs = 2816
  }

  public init() {}
}
