import Testing
import Training

@testable import Models

/// Settings whose keys were renamed are still read from files and command lines.
struct FormerNamesTests {
  private func check<S: RecipeSettings>(_ type: S.Type, _ values: [String: String]) throws {
    // Each former key has a value here, and leads to a key that there is.
    #expect(Set(values.keys) == Set(S.formerNames.keys))
    #expect(Set(S.formerNames.values).isSubset(of: S.keys) && Set(S.keys).isDisjoint(with: S.formerNames.keys))
    for (former, value) in values {
      let key = S.formerNames[former]!
      func json(_ key: String) -> String { #"{"\#(key)": \#(value)}"# }
      let old = try S(json: json(former), recipe: "test")
      #expect(try old == S(json: json(key), recipe: "test") && old != S(), "\(former)")
      let typed = value.filter { !"[] ".contains($0) }
      #expect(try S().changed(by: [(hyphenated(former), typed)], recipe: "test") == old, "\(former)")
      // The present key wins where a file has both.
      #expect(
        try S(json: #"{"\#(former)": \#(value.replacing("7", with: "5")), "\#(key)": \#(value)}"#, recipe: "test")
          == old)
    }
  }

  @Test func formerKeysAreRead() throws {
    let widths = "[7, 7]", one = "7"
    let r3gan = ["criticWidths": widths, "criticBlocks": widths, "criticStem": one, "mapped": one]
    try check(R3GANSettings.self, r3gan)
    try check(VideoGANSettings.self, r3gan)
    try check(StyleGAN2Settings.self, ["criticWidths": widths, "mapped": one])
    try check(ProjectedRecipe.Settings.self, ["criticWidth": one])
    try check(VAESettings.self, ["criticWidths": widths])
    try check(VQGANSettings.self, ["criticWidths": widths])
    try check(DiffusionSettings.self, ["criticWidths": widths, "numbers": one])
    try check(Pix2PixRecipe.Settings.self, ["criticWidth": one, "criticLayers": one])
    try check(CUTRecipe.Settings.self, ["criticWidth": one, "criticLayers": one])
    try check(CycleGANRecipe.Settings.self, ["criticWidth": one, "criticLayers": one])
    try check(EnlargeRecipe.Settings.self, ["criticWidth": one])
  }

  @Test func keysThatNeverWereAreRefused() {
    #expect(throws: RecipeError.self) { try R3GANSettings(json: #"{"critics": 1}"#, recipe: "r3gan") }
  }
}
