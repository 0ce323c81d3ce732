import LargeModels
import TestSupport
import Testing
import Torch

/// Edges beside scikit-image's Canny (Tests/Goldens/large/edges.py), and of drawings whose edges are known.
@Suite struct EdgeTests {
  @Test(arguments: [("usual", 1.0, 50.0, 100.0), ("smooth", 2, 30, 60), ("plain", 0.5, 100, 200)])
  func edgesAreThoseOfOthers(_ name: String, _ smoothing: Double, _ low: Double, _ high: Double) throws {
    let golden = try LargeGolden("edges")
    var settings = EdgeSettings()
    (settings.smoothing, settings.low, settings.high) = (smoothing, low, high)
    let found = edges(of: golden["picture"].to(.float32) / 255, settings)
    #expect(found.shape == [1, 3, 160, 160])
    let (ours, theirs) = (found[0][0].flattened().floats, golden[name].to(.float32).flattened().floats)
    let differing = zip(ours, theirs).filter { $0 != $1 }.count
    // Ours are float32, theirs float64: a pixel may differ where two neighbours are nearly alike, of some 2,000.
    #expect(differing <= 10, "\(differing) of \(theirs.filter { $0 > 0 }.count)")
  }

  /// A bright square: one closed line of one pixel around it.
  @Test func aSquareHasOneLine() {
    var pixels = Tensor.zeros([1, 1, 40, 40])
    pixels.narrowed(dim: 2, from: 10, count: 20).narrowed(dim: 3, from: 10, count: 20).fill(1)
    let found = edges(of: pixels)[0][0]
    let rows = (0..<40).map { y in found[y].floats }
    // Across its middle: two pixels, at most one from the sides.
    let across = rows[20].indices.filter { rows[20][$0] > 0 }
    #expect(across.count == 2 && abs(across[0] - 10) <= 1 && abs(across[1] - 29) <= 1, "\(across)")
    #expect((72...84).contains(Int(found.sum().item())), "\(found.sum().item())")
    #expect(edges(of: Tensor.full([1, 3, 9, 9], 0.4)).sum().item() == 0)
    // Less than the lower threshold is none; what is between goes on with what is above.
    pixels = pixels * 0.05
    #expect(edges(of: pixels).sum().item() == 0)
    var levels: [Float] = []
    for y in 0..<40 { levels += [Float](repeating: 0, count: 20) + [Float](repeating: Float(y) / 78, count: 20) }
    let ramp = Tensor(levels, shape: [1, 1, 40, 40])
    var strict = EdgeSettings()
    (strict.smoothing, strict.low, strict.high) = (0, 400, 400)
    let certain = edges(of: ramp, strict).sum().item()
    strict.low = 100
    let joined = edges(of: ramp, strict).sum().item()
    #expect(certain > 0 && joined > certain * 2, "\(certain) \(joined)")
  }
}
