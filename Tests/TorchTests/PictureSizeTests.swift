import Foundation
import Testing
import Torch

@Suite struct PictureSizeTests {
  @Test func sizesAreTypedAsNumbersOrBothSides() {
    #expect(PictureSize("64") == 64 && PictureSize("64x64") == 64 && PictureSize("192X128") == PictureSize(192, 128))
    for text in ["", "x", "72x", "x72", "axb", "8x8x8", "-1", "99999", "1x99999", "6.5"] {
      #expect(PictureSize(text) == nil, "\(text)")
    }
    #expect("\(PictureSize(64))" == "64" && "\(PictureSize(192, 128))" == "192x128")
  }

  /// A square is a number, as files of before have it; those also had the frames of sheets as objects.
  @Test func squaresAreNumbersInFiles() throws {
    func written(_ size: PictureSize) throws -> String {
      String(decoding: try JSONEncoder().encode(["size": size]), as: UTF8.self)
    }
    #expect(try written(64) == #"{"size":64}"#)
    #expect(try written(PictureSize(192, 128)) == #"{"size":"192x128"}"#)
    func read(_ text: String) throws -> PictureSize {
      try JSONDecoder().decode(PictureSize.self, from: Data(text.utf8))
    }
    for (text, size) in [
      ("64", 64), (#""64""#, 64), (#""192x128""#, PictureSize(192, 128)),
      (#"{"width": 72, "height": 48}"#, PictureSize(72, 48)),
    ] {
      #expect(try read(text) == size, "\(text)")
    }
    for text in ["64.5", #""big""#, "[64, 32]", #"{"width": 72}"#, "true"] {
      #expect(throws: DecodingError.self, "\(text)") { try read(text) }
    }
  }

  @Test func sizesAreCountedAsShapesAre() {
    let size = PictureSize(192, 128)
    #expect(size.shape == [128, 192] && size.shorter == 128 && size.longer == 192 && size.pixels == 24_576)
    #expect(size.aspect == 1.5 && !size.isSquare && size >> 5 == PictureSize(6, 4) && PictureSize(6, 4) << 5 == size)
    #expect(size * 2 == PictureSize(384, 256) && size / 3 == PictureSize(64, 42))
    #expect(PictureSize(of: Tensor.zeros([2, 3, 128, 192])) == size && PictureSize(64).meanSide == 64)
  }
}
