import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import LargeModels

/// Whole drawings beside diffusers' pipelines (Tests/Goldens/large/drawings.py).
@Suite struct DrawingTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name, kind, sampler, spacing, task, unet: String
    let steps: Int
    let guidance: Double
    let picture, zero: Bool
    var skip: Int?
    var rescale, strength, control: Double?
    var negative: String?
    var crop: [Int]?
    var span: [Double]?
    var towards: String?
    var part: Double?
    var testDescription: String { name }
  }
  static let cases: [Case] = {
    let text = try! LargeGolden("drawings").metadata["cases"]!
    return try! JSONDecoder().decode([Case].self, from: Data(text.utf8))
  }()

  private let golden: LargeGolden
  private let small = SmallModels()

  init() throws { golden = try LargeGolden("drawings") }

  static var picture: Tensor { sigmoid(drawn("drawing/picture", [1, 3, 64, 64]) * 8) * 2 - 1 }
  static var mask: Tensor {
    let mask = Tensor.zeros([1, 1, 64, 64])
    mask.narrowed(dim: 2, from: 16, count: 32).narrowed(dim: 3, from: 24, count: 40).fill(1)
    return mask
  }

  private func request(_ c: Case) -> DrawingRequest {
    var request = DrawingRequest(prompt: "a cat (with) a hat")
    (request.negative, request.isWeighted) = (c.negative ?? "blurry, dull", false)
    (request.steps, request.guidance, request.guidanceRescale) = (c.steps, c.guidance, c.rescale ?? 0)
    (request.sampler, request.spacing) = (Sampler(rawValue: c.sampler)!, Spacing(rawValue: c.spacing)!)
    (request.size, request.clipSkip, request.strength) = ((64, 64), c.skip ?? 0, c.strength)
    if c.task == "image" || c.task == "fill" { request.picture = Self.picture }
    if c.task == "fill" { (request.mask, request.strength) = (Self.mask, c.strength ?? 1) }
    if let strength = c.control {
      let span = c.span.map { $0[0]...$0[1] } ?? 0...1
      request.controls = [ControlPicture(picture: (Self.picture + 1) / 2, strength: strength, span: span)]
    }
    if let towards = c.towards, let part = c.part { request.towards = (towards, part) }
    if let crop = c.crop { request.crop = (crop[0], crop[1], crop[2], crop[3]) }
    return request
  }

  private func pipeline(
    _ kind: String, unet: String = "unet", zero: Bool = false, control: Bool = false, precision: DType = .float32,
    memory: MemoryUse = .kept
  ) throws -> DrawingPipeline {
    let path = try small.folder(kind, unet: unet, scheduler: zero ? ["rescale_betas_zero_snr": true] : [:])
    var controls: [ControlModel] = []
    if control {
      let file = small.folder.path("\(kind)-control.safetensors")
      try Safetensors.write(SmallModels.weights("\(kind)/controlnet"), to: file)
      controls = [try ControlModel(file)]
    }
    return try DrawingPipeline(LargeModel(path), precision: precision, memory: memory, controls: controls)
  }

  /// Ten steps of a network with random weights let rounding grow: 1e-3 of the range.
  @Test(arguments: cases) func drawingsAreDiffusers(_ c: Case) throws {
    let pipeline = try pipeline(c.kind, unet: c.unet, zero: c.zero, control: c.control != nil)
    let found = try withoutGradients {
      let latents = try pipeline.latents(request(c), seed: 7)
      return c.picture ? clamp(pipeline.decoded(latents), min: -1, max: 1) : latents
    }
    expectClose(found, golden[c.name], c.name, tolerance: 1e-3)
  }

  /// 80 tokens, a BREAK, and a weight whose mean is restored.
  @Test func longPromptsAreEncodedInPieces() throws {
    var request = DrawingRequest(prompt: String(repeating: "cat ", count: 40) + "BREAK a (hat:1.3)")
    request.guidance = 1
    let told = try withoutGradients { try pipeline("sd1").conditions(request, height: 64, width: 64) }
    expectClose(told.text, golden["sd1/long"], "long", tolerance: 1e-4)
    // The negative prompt is filled up to as many pieces.
    (request.guidance, request.negative) = (5, "dog")
    #expect(
      try withoutGradients { try pipeline("sd1").conditions(request, height: 64, width: 64) }.text.shape == [
        2, 231, 128,
      ])
  }

  /// SDXL: the mean isn't restored, and an empty negative prompt is zeros only where the model says so.
  @Test func sdxlsFeaturesAreItsOwn() throws {
    var request = DrawingRequest(prompt: "a (cat:1.5)")
    let plain = try pipeline("xl")
    var other = plain.model
    other.zerosForEmptyPrompt = false
    try withoutGradients {
      let told = plain.conditions(request, height: 64, width: 64)
      #expect(told.text[0].max().item() == 0 && told.text[0].min().item() == 0 && told.pooled![0].max().item() == 0)
      #expect(told.sizes!.ints == [64, 64, 0, 0, 64, 64, 64, 64, 0, 0, 64, 64])
      let full = try DrawingPipeline(other, precision: .float32).conditions(request, height: 64, width: 64)
      #expect(full.text[0].max().item() > 0.1)
      request.isWeighted = true
      let weighted = told.text[1]
      request.prompt = "a cat"
      let bare = plain.conditions(request, height: 64, width: 64).text[1]
      // Start and "a" count once, the letters of "cat" 1.5 times.
      expectClose(weighted[1], bare[1], "a", tolerance: 1e-6)
      expectClose(weighted[2], bare[2] * 1.5, "cat", tolerance: 1e-6)
    }
  }

  private var quick: DrawingRequest {
    var request = DrawingRequest(prompt: "a cat")
    (request.steps, request.size, request.sampler) = (3, (64, 64), .eulerAncestral)
    return request
  }

  @Test func aSeedsPictureDependsOnNothingElse() throws {
    let pipeline = try pipeline("sd1")
    let first = try pipeline.draw(quick, seed: 3)
    let other = try pipeline.draw(quick, seed: 4)
    #expect(try pipeline.draw(quick, seed: 3).isEqual(to: first) && !first.isEqual(to: other))
    #expect(first.shape == [1, 3, 64, 64] && first.allFinite && abs(first).max().item() <= 1)
    // Read, used and let go in turn: the same but for the order of sums.
    let thrifty = try self.pipeline("sd1", memory: .inTurn)
    expectClose(try thrifty.draw(quick, seed: 3), first, "in turn", tolerance: 1e-3)
    #expect(!thrifty.denoiser.isLoaded && !thrifty.pictureDecoder.isLoaded && !thrifty.encoders[0].isLoaded)
    #expect(pipeline.denoiser.isLoaded)
  }

  @Test func outsideOfTheMaskNothingChanges() throws {
    for unet in ["unet", "inpaint"] {
      var request = quick
      (request.picture, request.mask, request.size) = (Self.picture, Self.mask, nil)
      let filled = try pipeline("sd1", unet: unet).draw(request, seed: 1)
      let outside = Self.mask.equal(to: 0).expanded([1, 3, 64, 64])
      #expect(
        whereTrue(outside, filled, Tensor.zeros([1])).isEqual(to: whereTrue(outside, Self.picture, Tensor.zeros([1]))))
      #expect(abs(filled - Self.picture).max().item() > 0.05)
    }
    // Outpainting: a larger canvas whose new part is drawn.
    let canvas = extended(Self.picture, left: 32, bottom: 16)
    #expect(canvas.picture.shape == [1, 3, 80, 96] && canvas.mask.sum().item() == Double(80 * 96 - 64 * 64))
    var request = quick
    (request.picture, request.mask, request.size) = (canvas.picture, canvas.mask, nil)
    let drawn = try pipeline("sd1").draw(request, seed: 1)
    let kept = drawn.narrowed(dim: 2, from: 0, count: 64).narrowed(dim: 3, from: 32, count: 64)
    #expect(kept.contiguous().isEqual(to: Self.picture.contiguous()))
  }

  /// A file of float16 whose attention leaves float16's range is drawn in float32 or bfloat16: no black picture, no NaN.
  @Test func halfPrecisionsRangeIsNeverLeft() throws {
    let path = try small.folder("sd2", dtype: .float16, variant: ".fp16")
    var model = try LargeModel(path)
    for name in model.unet.weights.keys where name.hasSuffix("to_q.weight") || name.hasSuffix("to_k.weight") {
      model.unet.weights[name] = (model.unet.weights[name]!.to(.float32) * 200).to(.float16)
    }
    for name in model.vae.weights.keys where name.contains("decoder.up_blocks.0") && name.hasSuffix("conv1.weight") {
      model.vae.weights[name] = (model.vae.weights[name]!.to(.float32) * 3000).to(.float16)
    }
    #expect(model.unet.precision == .float16)
    for precision in [DType.float32, .bfloat16] {
      let picture = try DrawingPipeline(model, precision: precision).draw(quick, seed: 1)
      #expect(picture.allFinite && picture.flattened().std(dims: [0]).item() > 0.01, "\(precision)")
    }
  }

  /// In bfloat16 a picture is near that of float32.
  @Test func bfloat16IsNear() throws {
    var request = quick
    (request.sampler, request.guidance) = (.ddim, 2)
    let full = try pipeline("sd1").draw(request, seed: 3)
    let half = try pipeline("sd1", precision: .bfloat16).draw(request, seed: 3)
    #expect(abs(full - half).mean().item() < 0.05)
  }

  /// Tiles of the autoencoder show no seams: each tile's own statistics differ a little, in the middle of a picture that is small here.
  @Test func theAutoencodersTilesGoIntoEachOther() throws {
    let pipeline = try pipeline("sd1")
    let latents = drawn("tiles/latents", [1, 4, 32, 24]) * 3
    try withoutGradients {
      let whole = pipeline.decoded(latents)
      pipeline.tiling = Tiling(side: 192, overlap: 64)
      let tiled = pipeline.decoded(latents)
      #expect(tiled.shape == whole.shape && tiled.allFinite)
      func steepest(_ x: Tensor) -> Double {
        abs(x.narrowed(dim: 2, from: 1, count: 255) - x.narrowed(dim: 2, from: 0, count: 255)).mean(dims: [0, 1, 3])
          .max().item()
      }
      #expect(steepest(tiled) < 1.2 * steepest(whole))
      _ = try pipeline.draw(quick, seed: 1)
    }
  }

  @Test func whatCannotBeDrawnIsSaid() throws {
    let pipeline = try pipeline("sd1")
    func expectSaid(_ words: String, _ change: (inout DrawingRequest) -> Void) {
      var request = quick
      change(&request)
      let error = #expect(throws: LargeModelError.self) { try pipeline.draw(request, seed: 1) }
      #expect(error?.sentence.contains(words) == true && error?.exit == .usage, "\(error?.sentence ?? "")")
    }
    expectSaid("use multiples of 8") { $0.size = (60, 64) }
    expectSaid("a picture is needed") { $0.mask = Self.mask }
    expectSaid("use 1 to 1000") { $0.steps = 0 }
    expectSaid("leading, linspace or trailing") { ($0.sampler, $0.spacing) = (.ddim, .karras) }
    expectSaid("LCM was distilled on 50") { ($0.sampler, $0.steps) = (.lcm, 60) }
    expectSaid("none is left") { ($0.picture, $0.strength, $0.steps) = (Self.picture, 0.1, 3) }
    expectSaid("3 layers") { $0.clipSkip = 3 }
    expectSaid("no ControlNet") { $0.controls = [ControlPicture(picture: Self.picture)] }
    #expect(throws: LargeModelError.self) { try self.pipeline("sd1", unet: "inpaint").draw(quick, seed: 1) }
  }
}
