import Testing

@testable import Workshop

@Suite struct SpriteSheetTests {
  @Test func sheetsOfSpritesAreLimited() throws {
    var request = AnimateRequest(picture: "knight.png", driving: "walk.png", out: "sheet.png")
    try request.checkSheet(of: 8, width: 64, height: 64)
    #expect(throws: AnimateError.sheetTooLarge(width: 64_000, height: 64, frames: 1000)) {
      try request.checkSheet(of: 1000, width: 64, height: 64)
    }
    request.columns = 40
    try request.checkSheet(of: 1000, width: 64, height: 64)
    #expect(throws: AnimateError.sheetTooLarge(width: 10_240, height: 6400, frames: 1000)) {
      try request.checkSheet(of: 1000, width: 256, height: 256)
    }
  }
}
