/* The post's first patch without its faults: the packets of datagram sockets get the source, the sockets do not. */
#define REROUTE_MOVES_SYN	0
#include "mended.h"
