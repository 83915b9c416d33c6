package io.fulmar.consumer;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.tunnel.ForwardTunnel;
import java.nio.file.Path;

/** Uses what an application uses, and says that it worked. */
public final class Consumer {
  private Consumer() {}

  /**
   * Runs the application.
   *
   * @param arguments a directory for the state
   */
  public static void main(String[] arguments) {
    Model model = Model.query("customers", "select 1 as id").key("id");
    System.out.printf("model %s of %s%n", model.name(), Model.class.getModule());
    System.out.println("other modules: " + LightningEngine.class.getModule().getName());
    System.out.println("other modules: " + ForwardTunnel.class.getModule().getName());
    Source source =
        Source.builder().host("127.0.0.1").port(1).database("shop").user("fulmar").build();
    // The driver makes what it connects with by reflection, which a descriptor may forbid.
    try (SyncEngine engine = StandardEngine.on(source, Path.of(arguments[0]))) {
      engine.preview(model);
    } catch (SourceException e) {
      System.out.println(e.getMessage());
    }
  }
}
