import Networks
import Testing
import Torch

/// Each layer's output, gradients and double backward equal PyTorch's.
struct LayerTests {
  /// The layers by the names that the golden script gives them.
  static let layers: [(name: String, make: @Sendable () -> any UnaryModule)] = [
    ("linear", { Linear(5, 4) }),
    ("linear without bias", { Linear(5, 4, bias: false) }),
    ("conv1d", { Conv1d(4, 6, kernel: 3, stride: 2, padding: 1) }),
    ("conv2d", { Conv2d(3, 4, kernel: 3, padding: 1) }),
    (
      "conv2d grouped",
      { Conv2d(4, 6, kernel: 3, stride: 2, padding: 2, dilation: 2, groups: 2, bias: false) }
    ),
    ("conv2d oblong", { Conv2d(2, 3, kernel: [3, 1], stride: [1, 2], padding: [1, 0]) }),
    ("conv2d reflect", { Conv2d(2, 3, kernel: [3, 3], padding: [2, 1], paddingMode: .reflect) }),
    ("conv2d replicate", { Conv2d(2, 3, kernel: [3, 3], padding: [2, 1], paddingMode: .replicate) }),
    ("conv2d circular", { Conv2d(2, 3, kernel: [3, 3], padding: [2, 1], paddingMode: .circular) }),
    ("conv3d", { Conv3d(2, 3, kernel: 3, stride: 2, padding: 1) }),
    ("conv transpose 1d", { ConvTranspose1d(4, 2, kernel: 4, stride: 2, padding: 1) }),
    ("conv transpose 2d", { ConvTranspose2d(4, 3, kernel: 4, stride: 2, padding: 1, bias: false) }),
    (
      "conv transpose 2d grouped",
      { ConvTranspose2d(4, 6, kernel: 3, stride: 2, padding: 1, outputPadding: 1, dilation: 2, groups: 2) }
    ),
    ("conv transpose 3d", { ConvTranspose3d(2, 2, kernel: 3, stride: 2) }),
    ("batch norm", { BatchNorm2d(3) }),
    ("batch norm 1d", { BatchNorm1d(5, affine: false) }),
    (
      "batch norm evaluated",
      {
        let norm = BatchNorm2d(3)
        norm.isTraining = false
        return norm
      }
    ),
    ("instance norm", { InstanceNorm2d(3, affine: true) }),
    ("instance norm plain", { InstanceNorm2d(3) }),
    ("group norm", { GroupNorm(2, 6) }),
    ("layer norm", { LayerNorm(4, 3) }),
    ("pixel norm", { PixelNorm() }),
    ("spectral norm", { SpectralNorm(Conv2d(3, 4, kernel: 3)) }),
    ("spectral norm transposed", { SpectralNorm(ConvTranspose2d(3, 4, kernel: 3), iterations: 2) }),
    ("weight norm", { WeightNorm(Conv1d(3, 4, kernel: 3)) }),
    ("leaky relu", { LeakyReLU() }),
    ("relu", { ReLU() }),
    ("relu6", { ReLU6() }),
    ("elu", { ELU() }),
    ("gelu", { GELU() }),
    ("silu", { SiLU() }),
    ("mish", { Mish() }),
    ("sigmoid", { Sigmoid() }),
    ("tanh", { Tanh() }),
    ("softplus", { Softplus() }),
    ("softmax", { Softmax() }),
    ("prelu", { PReLU(3) }),
    ("embedding", { Embedding(7, 4) }),
    ("attention", { SelfAttention(isCausal: false) }),
    ("attention causal", { SelfAttention(isCausal: true) }),
    ("attention twice", { SelfAttention(isCausal: false, differentiatesTwice: true) }),
    ("pixel shuffle", { PixelShuffle(2) }),
    ("pixel unshuffle", { PixelUnshuffle(2) }),
    ("upsample nearest", { Upsample(2) }),
    ("upsample bilinear", { Upsample(3, mode: .bilinear) }),
    ("average pool", { AvgPool2d(2) }),
    ("max pool", { MaxPool2d(3, stride: 2) }),
    ("adaptive pool", { AdaptiveAvgPool2d(2, 3) }),
    ("reflection pad", { Pad2d(2) }),
    ("downsample box", { Downsample2x(.box) }),
    ("downsample triangle", { Downsample2x(.triangle) }),
    ("downsample smooth", { Downsample2x(.smooth) }),
    ("upsample box", { Upsample2x(.box) }),
    ("upsample triangle", { Upsample2x(.triangle) }),
    ("upsample smooth", { Upsample2x(.smooth) }),
    ("haar", { HaarWavelet() }),
  ]

  @Test(arguments: layers.map(\.name))
  func equalsPyTorch(_ name: String) throws {
    let golden = try Golden()
    let make = try #require(Self.layers.first { $0.name == name }).make
    let layer = make()
    try check(layer, name, golden)
  }

  @Test(arguments: ["conv2d", "conv2d grouped", "conv transpose 2d", "batch norm", "group norm", "conv3d", "haar"])
  func equalsPyTorchWithChannelsLast(_ name: String) throws {
    let make = try #require(Self.layers.first { $0.name == name }).make
    let layer = make()
    layer.useChannelsLast()
    try check(layer, name, try Golden(), channelsLast: true)
  }

  @Test func coversEveryGolden() throws {
    let recorded = Set(try Golden().tensors.keys.filter { $0.hasSuffix("/seed") }.map { String($0.dropLast(5)) })
    #expect(recorded == Set(Self.layers.map(\.name)))
  }

  private func check(_ layer: any UnaryModule, _ name: String, _ golden: Golden, channelsLast: Bool = false) throws {
    try layer.load(golden.group("\(name)/state/"))
    let input = golden["\(name)/x"].cloned()
    let x = channelsLast ? input.channelsLast() : input
    let isDifferentiable = x.dtype.isFloatingPoint
    if isDifferentiable { x.requiringGradient() }
    let y = layer(x)
    #expect(agree(y, golden["\(name)/y"]))

    let named =
      (isDifferentiable ? [("", x)] : []) + layer.state.filter(\.tensor.requiresGradient).map { (".\($0)", $1) }
    let again = golden.group("\(name)/double")
    let expected = golden.group("\(name)/gradient")
    #expect(Set(named.map(\.0)) == Set(expected.keys))
    let first = gradients(
      of: (y * golden["\(name)/seed"]).sum(), withRespectTo: named.map(\.1), createGraph: !again.isEmpty)
    for (variable, gradient) in zip(named, first) {
      #expect(agree(gradient, expected[variable.0]!), "gradient\(variable.0)")
    }
    if !again.isEmpty {
      let used = named.filter { again[$0.0] != nil }
      let second = gradients(of: square(first[0]).sum(), withRespectTo: used.map(\.1))
      for (variable, gradient) in zip(used, second) {
        // Squares and two passes: a few more roundings than the others.
        #expect(agree(gradient, again[variable.0]!, to: 5e-6), "double\(variable.0)")
      }
    }
    for (key, tensor) in golden.group("\(name)/after/") {
      #expect(agree(layer.savedTensors[key]!, tensor), "after \(key)")
    }
  }
}

/// Attention of a sequence to itself, with the attention's own names.
private final class SelfAttention: UnaryModule {
  let attention: MultiheadAttention
  let isCausal: Bool
  init(isCausal: Bool, differentiatesTwice: Bool = false) {
    attention = MultiheadAttention(8, heads: 2, differentiatesTwice: differentiatesTwice)
    self.isCausal = isCausal
  }
  var members: [(name: String, value: Any)] { attention.members }
  func callAsFunction(_ x: Tensor) -> Tensor { attention(x, isCausal: isCausal) }
}

struct LayerPropertyTests {
  @Test func crossAttentionOfASequenceToItselfIsSelfAttention() {
    var noise = Noise(seed: 1)
    let attention = MultiheadAttention(8, heads: 4)
    attention.initialize(&noise)
    let x = noise.normal([2, 5, 8])
    // The same products in one matrix multiplication or three.
    #expect(agree(attention(x, x.cloned(), x.cloned()), attention(x)))
    let mask = Tensor([Bool](repeating: true, count: 25), shape: [5, 5])
    #expect(agree(attention(x, mask: mask), attention(x)))
  }

  @Test func crossAttentionEqualsPyTorch() throws {
    let golden = try Golden()
    let attention = MultiheadAttention(8, heads: 2)
    try attention.load(golden.group("cross/state/"))
    let y = attention(golden["cross/q"], golden["cross/k"], golden["cross/v"], mask: golden["cross/mask"].to(.bool))
    #expect(agree(y, golden["cross/y"]))
  }

  @Test func haarKeepsEnergyAndIsInverted() {
    var noise = Noise(seed: 2)
    let x = noise.normal([2, 3, 8, 4])
    let bands = haarWavelet(x)
    // Sums of 4 products with ±1/2 in float32.
    #expect(agree(bands.norm(), x.norm()))
    #expect(agree(inverseHaarWavelet(bands), x))
    #expect(agree(bands.narrowed(dim: 1, from: 0, count: 3), averagePool2d(x, kernel: 2) * 2))
  }

  @Test(arguments: [ResamplingFilter.box, .triangle, .smooth])
  func resamplingDirectionsAreTransposes(_ filter: ResamplingFilter) {
    var noise = Noise(seed: 3)
    let (x, y) = (noise.normal([1, 2, 6, 8]), noise.normal([1, 2, 3, 4]))
    let a = (downsample2x(x, filter: filter) * y).sum()
    let b = (x * upsample2x(y, filter: filter)).sum() / 4
    #expect(agree(a, b))
  }

  @Test func resamplingKeepsItsPrecisionUnderAutocast() {
    var noise = Noise(seed: 6)
    let x = noise.normal([1, 3, 8, 8])
    let (up, down) = withAutocast(true, on: .cpu) { (upsample2x(x), downsample2x(x)) }
    #expect(up.isEqual(to: upsample2x(x)) && down.isEqual(to: downsample2x(x)))
    #expect(upsample2x(x.to(.bfloat16)).dtype == .bfloat16)
  }

  @Test func dropoutNeedsNoiseOnlyWhenTrainingAndKeepsTheMean() {
    let dropout = Dropout(0.25)
    let network = Sequential(Identity(), dropout)
    let x = Tensor.ones([10_000])
    network.setTraining(false)
    #expect(network(x).isEqual(to: x))
    network.setTraining(true)
    var noise = Noise(seed: 4)
    network.reseed(&noise)
    let y = network(x)
    // The mean of 10,000 numbers with deviation √(1/3): 0.006; five of them.
    #expect(Swift.abs(y.mean().item() - 1) < 0.03)
    #expect(Set(y.floats) == [0, Float(1 / 0.75)])
    var again = Noise(seed: 4)
    network.reseed(&again)
    #expect(network(x).isEqual(to: y))
  }

  @Test func spectralNormBringsTheLargestSingularValueToOne() {
    var noise = Noise(seed: 5)
    let layer = SpectralNorm(Linear(6, 4, bias: false), iterations: 50)
    layer.initialize(&noise)
    let map = layer(Tensor.eye(6)).detached()
    // 50 power iterations leave the ratio of the two largest to the 100th power.
    #expect(Swift.abs(svd(map).s.max().item() - 1) < 1e-4)
  }
}
