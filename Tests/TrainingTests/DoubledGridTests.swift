import Testing
import Torch
import Training

@Suite struct DoubledGridTests {
  private let small = DoubledGrid(sides: 32...256)
  private let any = DoubledGrid(least: 4...15, sides: 16...512, doublings: 2)

  @Test func aSizeIsItsSmallestGridDoubled() throws {
    for (size, least, doublings) in [
      (64, 4, 4), (96, 6, 4), (PictureSize(192, 128), PictureSize(6, 4), 5),
      (PictureSize(128, 192), PictureSize(4, 6), 5), (PictureSize(128, 96), PictureSize(8, 6), 4),
      (PictureSize(256, 64), PictureSize(16, 4), 4),
    ] as [(PictureSize, PictureSize, Int)] {
      let found = try #require(small.grid(of: size), "\(size)")
      #expect(found.least == least && found.doublings == doublings, "\(size)")
    }
    // Too small, too large, a grid of 9, odd, and too long.
    for size in [16, 512, 72, PictureSize(65, 64), PictureSize(320, 64), 0] as [PictureSize] {
      #expect(small.grid(of: size) == nil, "\(size)")
    }
    #expect(any.grid(of: 72)?.least == 9 && any.grid(of: PictureSize(104, 72))?.doublings == 3)
    #expect(any.grid(of: 18) == nil, "it is doubled once only")
  }

  @Test func whatCannotBeNamesTheNearest() throws {
    for (grid, size, near) in [
      (any, 100, "96 or 104"), (any, 8, "16"), (any, 9000, "512"), (small, 37, "32 or 40"),
      (small, PictureSize(190, 128), "192x128 or 176x112"), (small, PictureSize(100, 70), "96x64 or 112x80"),
      (small, PictureSize(4000, 3000), "320x256 or 384x256"),
    ] as [(DoubledGrid, PictureSize, String)] {
      #expect(throws: RecipeError.impossibleSize(size, recipe: "toy", reason: "use \(near)")) {
        try grid.expect(size, recipe: "toy")
      }
    }
    #expect(
      RecipeError.impossibleSize(PictureSize(100, 70), recipe: "toy", reason: "use 96x64 or 112x80").sentence
        == "The recipe toy can't make pictures of 100x70 px: use 96x64 or 112x80.")
  }

  @Test func aShapeOfAboutAsManyPixels() {
    for (aspect, size, expected) in [
      (1.0, 64, 64), (1.5, 64, PictureSize(72, 48)), (2 / 3.0, 64, PictureSize(48, 72)),
      (1.5, 128, PictureSize(144, 96)), (16 / 9.0, 64, PictureSize(88, 48)), (1.5, 32, PictureSize(48, 32)),
    ] as [(Double, PictureSize, PictureSize)] {
      #expect(small.size(aspect: aspect, like: size) == expected, "\(aspect) like \(size)")
    }
    // However long they are.
    let long = any.size(aspect: 50, like: 64)
    #expect(long.aspect == 4 && any.grid(of: long) != nil)
  }

  /// Settings of networks that make squares only.
  @Test func squaresOnlyIsASentence() throws {
    #expect(throws: RecipeError.impossibleSize(PictureSize(8, 4), recipe: "toy", reason: squares)) {
      try Toy.Settings(json: #"{"size": "8x4"}"#, recipe: "toy")
    }
    #expect(throws: RecipeError.impossibleSize(PictureSize(8, 4), recipe: "toy", reason: squares)) {
      try Toy.Settings.expectShape(PictureSize(8, 4), recipe: "toy")
    }
    #expect(try Toy.Settings(json: #"{"size": 8}"#, recipe: "toy").size == 8)
  }
  private let squares = "it makes squares only, so give one number, such as --size 4"
}
