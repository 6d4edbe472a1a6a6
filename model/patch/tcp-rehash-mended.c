/* The post's second patch without its faults: the first SYN and its socket move together, or not at all. */
#define REROUTE_MOVES_SYN	1
#include "mended.h"
