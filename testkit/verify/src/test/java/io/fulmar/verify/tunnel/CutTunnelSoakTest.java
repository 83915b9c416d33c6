package io.fulmar.verify.tunnel;

import io.fulmar.verify.fixture.BothSshServers;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;

/**
 * {@link CutTunnelTest} against both servers, 1,000 cuts in all: 125 of each kind of tunnel, with
 * each engine, through each server. {@code -Dfulmar.cuts=20} for fewer.
 */
@Tag("soak")
@BothSshServers
@DisplayName("P1, P2: a tunnel that is cut loses nothing, whatever the server")
class CutTunnelSoakTest extends CutTunnelTest {
  private static final int CUTS = Integer.getInteger("fulmar.cuts", 125);

  @Override
  int forwardCuts() {
    return CUTS;
  }

  @Override
  int reverseCuts() {
    return CUTS;
  }
}
