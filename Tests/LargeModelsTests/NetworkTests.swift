import Networks
import TestSupport
import Testing
import Torch

@testable import LargeModels

/// The networks beside diffusers' and transformers' (Tests/Goldens/large/networks.py).
@Suite struct NetworkTests {
  private let golden: LargeGolden

  init() throws { golden = try LargeGolden("networks") }

  /// Float32 sums of some thousand products in another order.
  private func expectClose(_ mine: Tensor, _ name: String) {
    TestSupport.expectClose(mine, golden[name], name, tolerance: 1e-4)
  }

  private func expectNames(_ network: some Module, _ name: String) throws {
    let mine = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.tensor.shape) })
    #expect(mine == (try golden.shapes(name)), "\(name)")
  }

  @Test(arguments: [("sd1", false), ("sd2", false), ("xl", false), ("xl", true)])
  func textEncodersAreTransformers(_ kind: String, _ second: Bool) throws {
    let name = "\(kind)/text_encoder\(second ? "_2" : "")"
    let encoder = TextEncoder(Small.text(kind, second: second))
    try expectNames(encoder, name)
    _ = try encoder.drawn(name)
    let rows = [
      [998, 320, 66, 536, 999] + [Int](repeating: 999, count: 72), [998] + [Int](repeating: 7, count: 75) + [999],
    ]
    let tokens = Tensor(rows.flatMap { $0 }, shape: [2, 77])
    withoutGradients {
      let last = encoder(tokens, skipping: 0, normalises: true)
      if !second { expectClose(last.features, "\(name)/last") }
      expectClose(last.pooled, "\(name)/pooled")
      expectClose(encoder(tokens, skipping: 1, normalises: false).features, "\(name)/penultimate")
      // A skipped layer's features are normalised in SD 1.5.
      let normed = encoder(tokens, skipping: 1, normalises: true).features
      TestSupport.expectClose(
        normed, encoder.textModel.finalLayerNorm(golden["\(name)/penultimate"]), "normalised", tolerance: 1e-4)
    }
  }

  private func conditions(_ kind: String) -> Conditions {
    let context = kind == "xl" ? 256 : 128
    var conditions = Conditions(text: drawn("input/text", [2, 77, context]) * 10)
    if kind == "xl" {
      conditions.pooled = drawn("input/pooled", [2, 128]) * 10
      conditions.sizes = Tensor([512, 768, 0, 8, 64, 96] as [Float], shape: [1, 6]).expanded([2, 6])
    }
    return conditions
  }

  @Test(arguments: ["sd1/unet", "sd2/unet", "xl/unet", "sd1/inpaint", "sd1/lcm"])
  func uNetsAreDiffusers(_ name: String) throws {
    let kind = String(name.split(separator: "/")[0])
    var c = Small.unet(kind)
    if name == "sd1/inpaint" { c.inputs = 9 }
    if name == "sd1/lcm" { c.guidance = 32 }
    let unet = UNet2DCondition(c)
    try expectNames(unet, name)
    _ = try unet.drawn(name)
    var told = conditions(kind)
    if name == "sd1/lcm" { told.guidance = drawn("input/guidance", [2, 32]) * 5 }
    let x = (drawn("input/\(name)", [2, c.inputs, 12, 20]) * 10).channelsLast()
    withoutGradients { expectClose(unet(x, timestep: 123.25, told), name) }
  }

  @Test(arguments: ["sd1", "xl"]) func controlNetsAreDiffusers(_ kind: String) throws {
    let net = ControlNet(Small.unet(kind)), unet = UNet2DCondition(Small.unet(kind))
    try expectNames(net, "\(kind)/controlnet")
    _ = (try net.drawn("\(kind)/controlnet"), try unet.drawn("\(kind)/unet"))
    let x = (drawn("input/\(kind)/unet", [2, 4, 12, 20]) * 10).channelsLast()
    let picture = sigmoid(drawn("input/picture", [2, 3, 96, 160]) * 10)
    withoutGradients {
      let control = net(x, timestep: 123.25, conditions(kind), picture: picture, strength: 0.7)
      expectClose(control.middle, "\(kind)/controlnet")
      expectClose(unet(x, timestep: 123.25, conditions(kind), control: control), "\(kind)/controlled")
    }
  }

  @Test(arguments: ["sd1", "xl"]) func autoencodersAreDiffusers(_ kind: String) throws {
    let vae = AutoencoderKL(Small.vae(kind))
    try expectNames(vae, "\(kind)/vae")
    _ = try vae.drawn("\(kind)/vae")
    withoutGradients {
      let found = vae.distribution(of: drawn("input/picture", [1, 3, 40, 64]) * 5)
      expectClose(found.mean, "\(kind)/vae/mean")
      expectClose(found.deviation, "\(kind)/vae/deviation")
      expectClose(vae.pictures(of: drawn("input/latents", [1, 4, 5, 8]) * 6), "\(kind)/vae/picture")
    }
  }

  @Test func theTinyAutoencoderIsDiffusers() throws {
    let tiny = TinyAutoencoder()
    try expectNames(tiny, "taesd")
    _ = try tiny.drawn("taesd")
    withoutGradients {
      expectClose(tiny.latents(of: drawn("input/picture", [1, 3, 40, 64]) * 5), "taesd/latents")
      expectClose(tiny.pictures(of: drawn("input/latents", [1, 4, 5, 8]) * 6), "taesd/picture")
    }
  }

  /// Tiles that fade into each other give back what is the same everywhere, and no seam where neighbours differ.
  @Test func tilesFadeIntoEachOther() {
    #expect(Tiling.starts(length: 100, side: 128, overlap: 16) == [0])
    #expect(Tiling.starts(length: 129, side: 128, overlap: 16) == [0, 1])
    let picture = drawn("tiles", [1, 3, 37, 90])
    TestSupport.expectClose(
      tiled(picture, side: 24, overlap: 8, scale: (1, 1)) { $0 * 2 }, picture * 2, "identity", tolerance: 1e-6)
    let large = tiled(picture, side: 24, overlap: 8, scale: (2, 1)) {
      interpolate($0, size: [2 * $0.size(2), 2 * $0.size(3)], mode: .nearest)
    }
    TestSupport.expectClose(large, interpolate(picture, size: [74, 180], mode: .nearest), "enlarged", tolerance: 1e-6)
    // Each tile has another brightness: the steps between neighbouring pixels stay small.
    var count = 0.0
    let seams = tiled(Tensor.zeros([1, 1, 24, 200]), side: 48, overlap: 16, scale: (1, 1)) {
      count += 1
      return $0 + count
    }
    let steps = abs(seams.narrowed(dim: 3, from: 1, count: 199) - seams.narrowed(dim: 3, from: 0, count: 199))
    #expect(count > 4 && steps.max().item() < 0.1)
  }
}
