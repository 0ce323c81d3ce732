import Testing
import Torch
import Training

@Suite struct SettingsTests {
  @Test func settingsAreChangedByName() throws {
    let settings = try Toy.Settings().changed(
      by: [
        ("rate", "0.5"), ("batch", "16"), ("mirror", "true"), ("widths", "8, 9"), ("spoil-at", "3"),
        ("activation", "x"),
      ],
      recipe: "toy")
    #expect(settings.rate == 0.5 && settings.batch == 16 && settings.mirror && settings.widths == [8, 9])
    #expect(settings.spoilAt == 3 && settings.activation == "x")
    let again = try Toy.Settings(json: settings.json, recipe: "toy")
    #expect(again == settings)
  }

  @Test func missingKeysKeepTheirDefaults() throws {
    let settings = try Toy.Settings(json: #"{"batch": 2}"#, recipe: "toy")
    #expect(settings.batch == 2 && settings.rate == 0.01)
  }

  @Test func wrongNamesAndValuesAreToldApart() {
    func refused(_ name: String, _ value: String) -> RecipeError? {
      do throws(RecipeError) {
        _ = try Toy.Settings().changed(by: [(name, value)], recipe: "toy")
        return nil
      } catch { return error }
    }
    #expect(
      refused("colour", "1")?.sentence
        == "The recipe toy has no setting 'colour': use one of activation, batch, channels, mirror, rate, rate-hold, size, slowness, spoil-at, "
        + "spoilings, widths.")
    #expect(
      refused("batch", "many")?.sentence
        == "The setting 'batch' can't be 'many': it must be a number, and a whole one where it counts something.")
    #expect(refused("batch", "1.5") != nil)
    #expect(refused("rate", "nan") != nil)
    #expect(refused("mirror", "perhaps")?.exit == .usage)
    #expect(refused("widths", "a,b") != nil)
  }
}
