package io.fulmar.verify.readme;

import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What an application in Spring needs beside its syncs, as the README shows it. */
public final class SpringExample {
  private SpringExample() {}

  // begin README
  @Configuration(proxyBeanMethods = false)
  static class Syncs {
    @Bean
    SyncEngine engine(DataSource dataSource, Path stateDirectory) {
      return StandardEngine.on(Source.of(dataSource), stateDirectory);
    }

    @Bean // stopped before the beans that the syncs use are closed
    SmartLifecycle endOfSyncs(SyncEngine engine) {
      return new SmartLifecycle() {
        private volatile boolean running;

        @Override
        public void start() {
          running = true;
        }

        @Override
        public void
            stop() { // hands out no further batch, waits at most 10 s, keeps what was accepted
          engine.close();
          running = false;
        }

        @Override
        public boolean isRunning() {
          return running;
        }
      };
    }
  }
  // end README
}
