package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files and resources that hold the text of a model, and some that do not. */
@DisplayName("A model may be a query in a file or a resource")
class ModelFileTest {
  private static final String SQL =
      "select id, 'é \uD83D\uDE00' as a\r\nfrom app.customer; -- all\n";

  @TempDir Path folder;

  private Path file(byte... content) throws IOException {
    return Files.write(folder.resolve("model.sql"), content);
  }

  private void assertRefused(Path file, String fact) {
    assertThatThrownBy(() -> Model.queryFile("customers", file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot read the model customers from the file %s: %s [model=customers]", file, fact);
  }

  @Test
  void theTextIsThatOfTheFile() throws IOException {
    Path file = file(SQL.getBytes(StandardCharsets.UTF_8));
    Model model = Model.queryFile("customers", file).key("id");
    assertThat(model.sql()).isEqualTo(SQL);
    assertThat(model.name()).isEqualTo("customers");
    Files.writeString(file, "select 2 as id");
    assertThat(model.sql()).isEqualTo(SQL);
  }

  @Test
  void aByteOrderMarkIsLeftOut() throws IOException {
    assertThat(
            Model.queryFile("customers", file(("\uFEFF" + SQL).getBytes(StandardCharsets.UTF_8)))
                .key("id")
                .sql())
        .isEqualTo(SQL);
  }

  @Test
  void whatIsNotUtf8IsRefused() throws IOException {
    assertRefused(
        file("select 'é' as id".getBytes(StandardCharsets.ISO_8859_1)),
        "it is not UTF-8: the first wrong byte is number 9. Save it as UTF-8.");
    assertRefused(
        file("select 1 as id".getBytes(StandardCharsets.UTF_16)),
        "it is not UTF-8: the first wrong byte is number 1. Save it as UTF-8.");
    assertRefused(
        file((byte) 'a', (byte) 0xED, (byte) 0xA0, (byte) 0x80),
        "it is not UTF-8: the first wrong byte is number 2. Save it as UTF-8.");
  }

  @Test
  void filesWithoutAQueryAreRefused() throws IOException {
    assertRefused(
        folder.resolve("missing.sql"), "it does not exist. Look at its path and its permissions.");
    assertRefused(folder, "it cannot be read (IOException). Look at its path and its permissions.");
    assertRefused(file(), "it is blank. Write the query into it.");
    assertRefused(
        file("\uFEFF \n".getBytes(StandardCharsets.UTF_8)),
        "it is blank. Write the query into it.");
    Path large = file("-".repeat(1_000_001).getBytes(StandardCharsets.UTF_8));
    assertRefused(large, "it has more than 1,000,000 bytes. Make it one query, or a view.");
    Files.writeString(large, "-".repeat(1_000_000));
    assertThat(Model.queryFile("customers", large).key("id").sql()).hasSize(1_000_000);
  }

  @Test
  void aResourceIsFoundBesideAClass() {
    assertThat(
            Model.queryResource("customers", ModelFileTest.class, "customers.sql").key("id").sql())
        .isEqualTo("select id, email from app.customer\n");
  }

  @Test
  void aResourceThatIsNotThereIsRefused() {
    assertThatThrownBy(
            () -> Model.queryResource("customers", ModelFileTest.class, "/customers.sql"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(
            "Cannot read the model customers from the resource /customers.sql of"
                + " io.fulmar.ModelFileTest: it is not found. Look at its name")
        .hasMessageEndingWith(" [model=customers]");
    assertThatThrownBy(() -> Model.queryResource("customers", String.class, "nothing.sql"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot read the model customers from the resource nothing.sql of java.lang.String: it is"
                + " not found. Look at its name, and let the module java.base open the package to"
                + " io.fulmar.core. [model=customers]");
  }
}
